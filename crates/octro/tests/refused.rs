//! What `octro up` refuses: an address that others reach, a folder that is in use, a simulated company among real
//! ones and the other way round.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::sync::Arc;

use octro_engine::Query;
use octro_model::SystemClock;
use octro_store::Db;
use support::Place;

/// Makes a database that says whether its company is simulated.
fn company(place: &Place, simulated: &str) {
    std::fs::create_dir_all(&place.data).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let db = Db::open(&format!("sqlite:{}", place.file().display())).await.unwrap();
        Query::new(db.clone(), Arc::new(SystemClock)).set("simulated", simulated).await.unwrap();
        db.close().await;
    });
}

#[test]
fn an_address_that_others_reach() {
    let place = Place::new();
    for address in ["0.0.0.0:7468", "[::]:7468", "192.0.2.1:7468"] {
        let ran = place.run(&["up", "--listen", address]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("there is no sign-in yet; expected a loopback address"), "{ran:?}");
    }
    place.settings("listen = '0.0.0.0:7468'\n");
    let ran = place.run(&["up"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("octro.toml:2: `0.0.0.0:7468` can be reached from other machines"), "{ran:?}");
    assert!(!place.data.exists(), "nothing was made before it was refused");
}

#[test]
fn an_address_that_is_taken() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = place.run(&["up", "--listen", &address]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(
        ran.err.contains(&address) && ran.err.contains("choose another address with --listen"),
        "{ran:?}"
    );
}

#[test]
fn a_folder_that_is_in_use() {
    let place = Place::new();
    let mut up = place.up();
    let ran = place.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let words = format!(
        "another Octro works on {}; stop it, or name another folder with --data",
        place.data.display()
    );
    assert!(ran.err.contains(&words), "{ran:?}");
    assert!(up.runs());
    up.stop();
    // The lock goes with the process, however it ends.
    place.up().kill();
    place.up().stop();
}

#[test]
fn a_simulated_company_among_real_ones() {
    let place = Place::new();
    company(&place, "yes");
    let ran = place.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.err.contains("holds a simulated company; open it with `octro up --demo`"), "{ran:?}");
}

#[test]
fn a_simulation_on_a_real_company() {
    let place = Place::new();
    company(&place, "no");
    let ran = place.run(&["up", "--demo", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.err.contains("holds a real company and the simulation stays out of it"), "{ran:?}");
    let ran = place.run(&["up", "--demo", "--database", "postgres://octro@127.0.0.1:1/postgres"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("leave --database away"), "{ran:?}");
}
