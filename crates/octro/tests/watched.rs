//! A `file` source runs when its file changes, long before its schedule says so.

use std::time::Duration;

mod support;

use support::{Place, until};

#[test]
fn a_changed_file_is_read_at_once() {
    let place = Place::new();
    let lines = place.path().join("things.jsonl");
    let write = |good: bool| {
        let whole = place.path().join("next");
        let text = format!(
            "{{\"kind\":\"thing\",\"key\":\"a\",\"attributes\":{{\"good\":{good},\"kept\":true}}}}\n\
             {{\"scope\":{{\"kind\":\"thing\",\"complete\":true}}}}\n"
        );
        std::fs::write(&whole, text).unwrap();
        std::fs::rename(&whole, &lines).unwrap();
    };
    write(false);
    place.settings(&format!(
        "[[source]]\nid = 'left'\ntype = 'file'\nevery = '1d'\nformat = 'observations'\nkinds = ['thing']\npath = '{}'\n",
        lines.display()
    ));
    let up = place.up();
    until("the file is read", || up.statuses().contains("T-01 fail"));
    write(true);
    let took = until("the change is seen", || up.statuses().contains("T-01 pass"));
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    up.stop();
    place.replay();
}
