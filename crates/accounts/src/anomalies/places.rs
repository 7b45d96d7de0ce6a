//! How far countries are apart at least, in whole numbers.

use primitives::Country;

/// Kilometres of a degree of a great circle.
const DEGREE: u32 = 111;

/// What a sine of 1 is written as.
const ONE: i64 = 10_000;

/// The way between two countries, from border to border at its shortest: 0 where they may touch;
/// `None` when one of them is not known.
#[must_use]
pub fn kilometres(one: Country, other: Country) -> Option<u32> {
    let (one, other) = (place(one)?, place(other)?);
    // A degree less, because the middles are rounded to degrees.
    let between = degrees(one, other).saturating_sub(1).saturating_mul(DEGREE);
    let inside = u32::from(one.radius).saturating_add(u32::from(other.radius));
    Some(between.saturating_sub(inside))
}

#[derive(Clone, Copy)]
struct Place {
    latitude: i16,
    longitude: i16,
    radius: u16,
}

fn place(country: Country) -> Option<Place> {
    let [first, second] = country.letters();
    let at = INDEX.get(usize::from(spot(first, second)))?;
    let &(letters, latitude, longitude, radius) = PLACES.get(usize::from(*at))?;
    (letters == [first, second]).then_some(Place {
        latitude,
        longitude,
        radius,
    })
}

/// Where two letters stand in [`INDEX`]: five bits of each.
const fn spot(first: u8, second: u8) -> u16 {
    ((first as u16 & 31) << 5) | (second as u16 & 31)
}

/// The rows of [`PLACES`] by their letters; `u8::MAX` for none.
const INDEX: [u8; 1024] = index();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs while it is compiled, which fails where it would panic"
)]
const fn index() -> [u8; 1024] {
    let mut index = [u8::MAX; 1024];
    let mut at = 0;
    while at < PLACES.len() {
        let [first, second] = PLACES[at].0;
        index[spot(first, second) as usize] = at as u8;
        at += 1;
    }
    index
}

/// The angle between two places, rounded down to degrees: the cosine of an angle only falls, so
/// it is the last degree whose cosine is not smaller.
fn degrees(one: Place, other: Place) -> u32 {
    let (a, b) = (unit(one), unit(other));
    let dot: i64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    // The coordinates are in ONE * ONE.
    let smaller = COSINES.partition_point(|cosine| cosine * ONE * ONE * ONE >= dot);
    u32::try_from(smaller.saturating_sub(1)).unwrap_or(0)
}

/// A place on a globe whose radius is `ONE * ONE`.
fn unit(place: Place) -> [i64; 3] {
    let round = cosine(place.latitude);
    [
        round * cosine(place.longitude),
        round * sine(place.longitude),
        sine(place.latitude) * ONE,
    ]
}

/// Of -180 to 180 degrees, as places have them.
fn cosine(degrees: i16) -> i64 {
    let at = usize::from(degrees.unsigned_abs());
    COSINES.get(at).copied().unwrap_or(0)
}

/// Of -180 to 180 degrees.
fn sine(degrees: i16) -> i64 {
    let quarter = degrees.saturating_abs().saturating_sub(90);
    let size = cosine(quarter);
    if degrees < 0 { -size } else { size }
}

/// Cosines of 0 to 180 degrees, in ten thousandths.
#[rustfmt::skip]
const COSINES: [i64; 181] = [
    10000, 9998, 9994, 9986, 9976, 9962, 9945, 9925, 9903, 9877, 9848, 9816, 9781, 9744, 9703,
    9659, 9613, 9563, 9511, 9455, 9397, 9336, 9272, 9205, 9135, 9063, 8988, 8910, 8829, 8746, 8660,
    8572, 8480, 8387, 8290, 8192, 8090, 7986, 7880, 7771, 7660, 7547, 7431, 7314, 7193, 7071, 6947,
    6820, 6691, 6561, 6428, 6293, 6157, 6018, 5878, 5736, 5592, 5446, 5299, 5150, 5000, 4848, 4695,
    4540, 4384, 4226, 4067, 3907, 3746, 3584, 3420, 3256, 3090, 2924, 2756, 2588, 2419, 2250, 2079,
    1908, 1736, 1564, 1392, 1219, 1045, 872, 698, 523, 349, 175, 0, -175, -349, -523, -698, -872,
    -1045, -1219, -1392, -1564, -1736, -1908, -2079, -2250, -2419, -2588, -2756, -2924, -3090,
    -3256, -3420, -3584, -3746, -3907, -4067, -4226, -4384, -4540, -4695, -4848, -5000, -5150,
    -5299, -5446, -5592, -5736, -5878, -6018, -6157, -6293, -6428, -6561, -6691, -6820, -6947,
    -7071, -7193, -7314, -7431, -7547, -7660, -7771, -7880, -7986, -8090, -8192, -8290, -8387,
    -8480, -8572, -8660, -8746, -8829, -8910, -8988, -9063, -9135, -9205, -9272, -9336, -9397,
    -9455, -9511, -9563, -9613, -9659, -9703, -9744, -9781, -9816, -9848, -9877, -9903, -9925,
    -9945, -9962, -9976, -9986, -9994, -9998, -10000,
];

/// Code, latitude and longitude of the middle in degrees, and a radius in kilometres that holds
/// the country with its far parts where many people live.
#[rustfmt::skip]
const PLACES: [([u8; 2], i16, i16, u16); 250] = [
    (*b"AD", 43, 2, 15),
    (*b"AE", 24, 54, 250),
    (*b"AF", 34, 66, 880),
    (*b"AG", 17, -62, 30),
    (*b"AI", 18, -63, 15),
    (*b"AL", 41, 20, 170),
    (*b"AM", 40, 45, 170),
    (*b"AO", -12, 18, 1030),
    (*b"AQ", -80, 0, 3720),
    (*b"AR", -35, -65, 2240),
    (*b"AS", -14, -171, 60),
    (*b"AT", 48, 14, 300),
    (*b"AU", -25, 134, 2200),
    (*b"AW", 13, -70, 20),
    (*b"AX", 60, 20, 60),
    (*b"AZ", 40, 48, 250),
    (*b"BA", 44, 18, 200),
    (*b"BB", 13, -60, 20),
    (*b"BD", 24, 90, 350),
    (*b"BE", 51, 5, 150),
    (*b"BF", 12, -2, 400),
    (*b"BG", 43, 25, 270),
    (*b"BH", 26, 51, 40),
    (*b"BI", -3, 30, 130),
    (*b"BJ", 9, 2, 350),
    (*b"BL", 18, -63, 10),
    (*b"BM", 32, -65, 20),
    (*b"BN", 5, 115, 80),
    (*b"BO", -17, -65, 750),
    (*b"BQ", 12, -68, 500),
    (*b"BR", -10, -55, 2650),
    (*b"BS", 24, -76, 400),
    (*b"BT", 27, 90, 170),
    (*b"BV", -54, 3, 10),
    (*b"BW", -22, 24, 640),
    (*b"BY", 53, 28, 330),
    (*b"BZ", 17, -89, 150),
    (*b"CA", 60, -95, 3090),
    (*b"CC", -12, 97, 20),
    (*b"CD", -3, 23, 1380),
    (*b"CF", 7, 21, 650),
    (*b"CG", -1, 15, 650),
    (*b"CH", 47, 8, 180),
    (*b"CI", 8, -6, 370),
    (*b"CK", -21, -160, 700),
    (*b"CL", -35, -71, 2400),
    (*b"CM", 6, 12, 830),
    (*b"CN", 36, 104, 2850),
    (*b"CO", 4, -73, 900),
    (*b"CR", 10, -84, 250),
    (*b"CU", 22, -79, 600),
    (*b"CV", 16, -24, 170),
    (*b"CW", 12, -69, 35),
    (*b"CX", -10, 106, 15),
    (*b"CY", 35, 33, 110),
    (*b"CZ", 50, 15, 250),
    (*b"DE", 51, 10, 430),
    (*b"DJ", 12, 43, 110),
    (*b"DK", 56, 10, 260),
    (*b"DM", 15, -61, 30),
    (*b"DO", 19, -71, 220),
    (*b"DZ", 28, 3, 1100),
    (*b"EC", -2, -78, 1530),
    (*b"EE", 59, 26, 190),
    (*b"EG", 27, 30, 890),
    (*b"EH", 25, -13, 630),
    (*b"ER", 15, 39, 450),
    (*b"ES", 40, -4, 1890),
    (*b"ET", 9, 40, 890),
    (*b"FI", 64, 26, 600),
    (*b"FJ", -18, 178, 630),
    (*b"FK", -52, -59, 150),
    (*b"FM", 7, 150, 1500),
    (*b"FO", 62, -7, 60),
    (*b"FR", 46, 2, 600),
    (*b"GA", -1, 12, 350),
    (*b"GB", 54, -2, 770),
    (*b"GD", 12, -62, 25),
    (*b"GE", 42, 43, 270),
    (*b"GF", 4, -53, 230),
    (*b"GG", 49, -3, 30),
    (*b"GH", 8, -1, 350),
    (*b"GI", 36, -5, 10),
    (*b"GL", 72, -40, 1400),
    (*b"GM", 13, -15, 200),
    (*b"GN", 11, -10, 560),
    (*b"GP", 16, -62, 60),
    (*b"GQ", 2, 10, 400),
    (*b"GR", 39, 22, 630),
    (*b"GS", -54, -37, 830),
    (*b"GT", 15, -90, 250),
    (*b"GU", 13, 145, 30),
    (*b"GW", 12, -15, 170),
    (*b"GY", 5, -59, 430),
    (*b"HK", 22, 114, 35),
    (*b"HM", -53, 74, 25),
    (*b"HN", 15, -86, 330),
    (*b"HR", 45, 16, 260),
    (*b"HT", 19, -72, 170),
    (*b"HU", 47, 19, 270),
    (*b"ID", -2, 118, 2600),
    (*b"IE", 53, -8, 250),
    (*b"IL", 31, 35, 230),
    (*b"IM", 54, -5, 30),
    (*b"IN", 22, 79, 2330),
    (*b"IO", -6, 72, 120),
    (*b"IQ", 33, 44, 500),
    (*b"IR", 32, 53, 1100),
    (*b"IS", 65, -19, 280),
    (*b"IT", 42, 13, 680),
    (*b"JE", 49, -2, 15),
    (*b"JM", 18, -77, 130),
    (*b"JO", 31, 36, 270),
    (*b"JP", 36, 138, 1900),
    (*b"KE", 0, 38, 690),
    (*b"KG", 41, 75, 480),
    (*b"KH", 13, 105, 280),
    (*b"KI", 1, -170, 2600),
    (*b"KM", -12, 44, 130),
    (*b"KN", 17, -63, 25),
    (*b"KP", 40, 127, 370),
    (*b"KR", 36, 128, 330),
    (*b"KW", 29, 48, 120),
    (*b"KY", 19, -81, 130),
    (*b"KZ", 48, 67, 1600),
    (*b"LA", 18, 104, 580),
    (*b"LB", 34, 36, 110),
    (*b"LC", 14, -61, 30),
    (*b"LI", 47, 10, 20),
    (*b"LK", 7, 81, 240),
    (*b"LR", 6, -9, 300),
    (*b"LS", -30, 28, 130),
    (*b"LT", 55, 24, 200),
    (*b"LU", 50, 6, 50),
    (*b"LV", 57, 25, 240),
    (*b"LY", 27, 17, 1130),
    (*b"MA", 32, -6, 1100),
    (*b"MC", 44, 7, 10),
    (*b"MD", 47, 29, 190),
    (*b"ME", 43, 19, 110),
    (*b"MF", 18, -63, 15),
    (*b"MG", -19, 47, 850),
    (*b"MH", 9, 168, 700),
    (*b"MK", 42, 22, 120),
    (*b"ML", 17, -4, 1000),
    (*b"MM", 21, 96, 1260),
    (*b"MN", 47, 104, 1250),
    (*b"MO", 22, 114, 20),
    (*b"MP", 16, 146, 450),
    (*b"MQ", 15, -61, 45),
    (*b"MR", 20, -10, 800),
    (*b"MS", 17, -62, 15),
    (*b"MT", 36, 14, 25),
    (*b"MU", -20, 58, 650),
    (*b"MV", 3, 73, 470),
    (*b"MW", -13, 34, 460),
    (*b"MX", 24, -102, 1700),
    (*b"MY", 4, 109, 1200),
    (*b"MZ", -18, 36, 1100),
    (*b"NA", -22, 17, 990),
    (*b"NC", -21, 165, 570),
    (*b"NE", 17, 9, 900),
    (*b"NF", -29, 168, 15),
    (*b"NG", 9, 8, 750),
    (*b"NI", 13, -85, 330),
    (*b"NL", 52, 5, 200),
    (*b"NO", 65, 13, 1200),
    (*b"NP", 28, 84, 460),
    (*b"NR", -1, 167, 15),
    (*b"NU", -19, -170, 20),
    (*b"NZ", -41, 174, 1100),
    (*b"OM", 21, 56, 600),
    (*b"PA", 9, -80, 330),
    (*b"PE", -10, -76, 1100),
    (*b"PF", -15, -140, 1400),
    (*b"PG", -6, 147, 1000),
    (*b"PH", 12, 122, 950),
    (*b"PK", 30, 70, 900),
    (*b"PL", 52, 19, 400),
    (*b"PM", 47, -56, 40),
    (*b"PN", -25, -130, 350),
    (*b"PR", 18, -66, 130),
    (*b"PS", 32, 35, 100),
    (*b"PT", 39, -8, 2010),
    (*b"PW", 7, 134, 550),
    (*b"PY", -23, -58, 550),
    (*b"QA", 25, 51, 100),
    (*b"RE", -21, 56, 50),
    (*b"RO", 46, 25, 380),
    (*b"RS", 44, 21, 270),
    (*b"RU", 61, 97, 4440),
    (*b"RW", -2, 30, 120),
    (*b"SA", 24, 45, 1200),
    (*b"SB", -9, 160, 800),
    (*b"SC", -5, 56, 1000),
    (*b"SD", 15, 30, 1070),
    (*b"SE", 62, 16, 850),
    (*b"SG", 1, 104, 35),
    (*b"SH", -16, -6, 2700),
    (*b"SI", 46, 15, 140),
    (*b"SJ", 78, 16, 700),
    (*b"SK", 49, 19, 230),
    (*b"SL", 8, -12, 190),
    (*b"SM", 44, 12, 10),
    (*b"SN", 14, -14, 390),
    (*b"SO", 6, 46, 950),
    (*b"SR", 4, -56, 280),
    (*b"SS", 7, 30, 600),
    (*b"ST", 0, 7, 110),
    (*b"SV", 14, -89, 140),
    (*b"SX", 18, -63, 10),
    (*b"SY", 35, 38, 400),
    (*b"SZ", -27, 31, 110),
    (*b"TC", 22, -72, 70),
    (*b"TD", 15, 19, 950),
    (*b"TF", -45, 69, 2400),
    (*b"TG", 9, 1, 330),
    (*b"TH", 15, 101, 1050),
    (*b"TJ", 39, 71, 380),
    (*b"TK", -9, -172, 100),
    (*b"TL", -9, 126, 180),
    (*b"TM", 39, 59, 620),
    (*b"TN", 34, 10, 430),
    (*b"TO", -20, -175, 400),
    (*b"TR", 39, 35, 800),
    (*b"TT", 11, -61, 90),
    (*b"TV", -8, 178, 330),
    (*b"TW", 24, 121, 250),
    (*b"TZ", -6, 35, 700),
    (*b"UA", 49, 32, 700),
    (*b"UG", 1, 32, 380),
    (*b"UM", 19, 167, 9000),
    (*b"US", 40, -98, 6550),
    (*b"UY", -33, -56, 320),
    (*b"UZ", 41, 64, 800),
    (*b"VA", 42, 12, 5),
    (*b"VC", 13, -61, 60),
    (*b"VE", 7, -66, 800),
    (*b"VG", 18, -64, 50),
    (*b"VI", 18, -65, 60),
    (*b"VN", 16, 107, 900),
    (*b"VU", -16, 167, 500),
    (*b"WF", -14, -177, 130),
    (*b"WS", -14, -172, 80),
    (*b"XK", 43, 21, 100),
    (*b"YE", 16, 48, 700),
    (*b"YT", -13, 45, 30),
    (*b"ZA", -29, 25, 1000),
    (*b"ZM", -14, 28, 750),
    (*b"ZW", -19, 30, 480),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn way(one: &str, other: &str) -> u32 {
        kilometres(one.parse().unwrap(), other.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_table_is_sorted_and_on_the_globe() {
        assert!(PLACES.is_sorted_by(|a, b| a.0 < b.0));
        for (letters, latitude, longitude, _) in PLACES {
            assert!((-90..=90).contains(&latitude) && (-180..=180).contains(&longitude));
            let code = str::from_utf8(&letters).unwrap();
            let found = place(code.parse().unwrap()).unwrap();
            assert_eq!(
                (found.latitude, found.longitude),
                (latitude, longitude),
                "{code}"
            );
        }
    }

    #[test]
    fn angles_are_those_of_a_globe() {
        let at = |latitude, longitude| Place {
            latitude,
            longitude,
            radius: 0,
        };
        for (one, other, wanted) in [
            (at(0, 0), at(0, 0), 0),
            (at(0, 0), at(0, 90), 90),
            (at(0, -90), at(0, 90), 180),
            (at(90, 0), at(-90, 17), 180),
            (at(90, 0), at(0, 123), 90),
            (at(0, 179), at(0, -179), 2),
            (at(51, 10), at(-10, -55), 82),
        ] {
            let found = degrees(one, other);
            assert!(found.abs_diff(wanted) <= 1, "{found} for {wanted}");
        }
    }

    /// Shows: P-34.
    #[test]
    fn countries_are_apart_as_on_a_map() {
        assert_eq!(way("DE", "FR"), 0, "neighbours may be met at the border");
        assert_eq!(way("DE", "DE"), 0);
        assert!(
            (5_500..7_500).contains(&way("DE", "BR")),
            "{}",
            way("DE", "BR")
        );
        assert!(
            (15_500..17_500).contains(&way("DE", "NZ")),
            "{}",
            way("DE", "NZ")
        );
        assert!(
            (9_000..11_500).contains(&way("SG", "GB")),
            "{}",
            way("SG", "GB")
        );
        assert_eq!(way("BR", "DE"), way("DE", "BR"));
        let nowhere: Country = "ZZ".parse().unwrap();
        assert_eq!(kilometres(nowhere, "DE".parse().unwrap()), None);
    }
}
