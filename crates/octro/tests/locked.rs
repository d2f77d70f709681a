//! Another process that holds SQLite's write lock for longer than SQLite itself waits: pages go on, writing goes on
//! afterwards, nothing is lost.

mod support;

use std::time::Duration;

use octro_store::Db;
use support::{Place, changing, until};

#[test]
fn a_lock_of_another_process_is_waited_for() {
    let place = Place::new();
    place.settings(&place.source("many", "1s", &changing(500, 3)));
    let up = place.up();
    until("the first run", || up.last_run("many").is_some());
    let address = format!("sqlite:{}", place.file().display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let db = Db::open(&address).await.unwrap();
        for held in [2, 9] {
            let tx = db.begin().await.unwrap();
            tokio::time::sleep(Duration::from_secs(held)).await;
            assert_eq!(up.get("/").map(|(status, _)| status), Some(200), "pages only read");
            drop(tx);
            up.goes_on("many");
        }
        db.close().await;
    });
    let log = up.stop();
    assert!(!log.contains("could not be stored"), "{log}");
    place.replay();
    assert!(place.run(&["doctor"]).out.contains("is sound"));
}
