//! State files with damage of every sort: each is refused with places, or means what it says.

use super::*;

const MUTANTS: u64 = 400;
const MARKS: [char; 16] = [
    '{', '}', '[', ']', ':', ',', '#', '&', '*', '"', '|', '-', ' ', '\t', '\0', 'é',
];
const VALUES: [&str; 12] = [
    "null",
    "[]",
    "{}",
    "-1",
    "1e400",
    "\"\"",
    "*a",
    "${x}",
    "true",
    "unlimited",
    "[[x]]",
    "7",
];

/// A sequence of numbers that is the same at every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn damaged(numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = STATE.lines().map(str::to_owned).collect();
    let at = numbers.below(lines.len());
    let mut letters: Vec<char> = lines[at].chars().collect();
    let place = numbers.below(letters.len() + 1);
    match numbers.below(7) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines[at] = format!(" {}", lines[at]),
        3 => lines.truncate(at),
        4 => {
            letters.insert(place, MARKS[numbers.below(MARKS.len())]);
            lines[at] = letters.into_iter().collect();
        }
        5 => {
            letters.truncate(place);
            lines[at] = letters.into_iter().collect();
        }
        _ => {
            let value = VALUES[numbers.below(VALUES.len())];
            if let Some((key, _)) = lines[at].split_once(": ") {
                lines[at] = format!("{key}: {value}");
            }
        }
    }
    lines.join("\n")
}

#[test]
fn a_damaged_state_is_refused_with_places_or_means_what_it_says() {
    let mut numbers = Numbers(7);
    let mut read = 0;
    for _ in 0..MUTANTS {
        let state = damaged(&mut numbers);
        let found = match parse(&sources(&state)) {
            Err(problems) => problems,
            Ok(documents) => match compile(&documents) {
                Ok(_) => {
                    read += 1;
                    assert_same_when_rendered(&documents);
                    continue;
                }
                Err(problems) => problems
                    .into_iter()
                    .map(|problem| documents.located(problem))
                    .collect(),
            },
        };
        assert!(!found.is_empty(), "{state}");
        for problem in found {
            let has_place = !problem.file.is_empty() && problem.line > 0;
            assert!(
                has_place && !problem.message.is_empty(),
                "{problem}\n{state}"
            );
        }
    }
    assert!(read > 20, "only {read} of {MUTANTS} are still states");
}
