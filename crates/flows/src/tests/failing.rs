use std::sync::Arc;

use store_contract::{Failing, Strikes};

use super::bench;
use crate::{Authority, make_sign_in_link, sign_in_by_link};

/// Shows: F-45.
#[tokio::test]
async fn a_link_works_once_at_most_whatever_fails() {
    let bench = bench().await;
    let failing = Arc::new(Failing::over(Arc::clone(&bench.at.store)));
    let at = Authority {
        store: Arc::clone(&failing) as _,
        ..bench.at.clone()
    };
    for strikes in [Strikes::Before, Strikes::After] {
        for call in 1.. {
            let link = make_sign_in_link(&at, None).await;
            let code = link.unwrap().code;
            failing.plant(call, strikes);
            let first = sign_in_by_link(&at, code.expose(), "a browser").await;
            let struck = failing.clear();
            let second = sign_in_by_link(&at, code.expose(), "a browser")
                .await
                .unwrap();
            let worked = usize::from(matches!(first, Ok(Some(_)))) + usize::from(second.is_some());
            assert!(worked <= 1, "call {call} failing {strikes:?}");
            // A failure before anything was done leaves the link as it was.
            if call == 1 && strikes == Strikes::Before {
                assert!(first.is_err() && second.is_some());
            }
            if !struck {
                assert!(worked == 1 && call > 2, "{call} calls of the store");
                break;
            }
        }
    }
}
