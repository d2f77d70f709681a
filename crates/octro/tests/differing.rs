//! `octro program diff`: what changes in the files, and which of today's results change with them; nothing is stored.

mod support;

use serde_json::Value;
use support::{Place, program, until};

#[test]
fn another_program_judges_todays_resources_without_touching_them() {
    let place = Place::new();
    let script = "echo '{\"kind\":\"thing\",\"key\":\"a\",\"attributes\":{\"good\":true,\"kept\":false}}'\n\
                  echo '{\"kind\":\"thing\",\"key\":\"b\",\"attributes\":{\"good\":true,\"kept\":true}}'\n\
                  echo '{\"scope\":{\"kind\":\"thing\",\"complete\":true}}'\n";
    place.settings(&place.source("mine", "1h", script));
    let up = place.up();
    until("the things are judged", || up.statuses() == "T-01 pass T-02 fail");
    up.stop();

    // In the other program, what is good has to be kept, too.
    let other = place.path().join("other");
    let stricter = "rev = 2\nseverity = \"high\"\non = \"thing\"\npass = \"resource.good && resource.kept\"\n\
         message = \"it is not good\"\nmax_age = \"1h\"\n\
         [[examples]]\nname = \"good\"\ngiven = { good = true, kept = true }\nexpect = \"pass\"\n\
         [[examples]]\nname = \"bad\"\ngiven = { good = false }\nexpect = \"fail\"\n\
         [[examples]]\nname = \"unseen\"\ngiven = {}\nexpect = \"unknown\"\n";
    program().test("thing.good", stricter).files().write(&other).unwrap();

    let ran = place.run(&["program", "diff", "in-force", "other", "--format", "json", "--quiet"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["files"]["tests"][0]["id"], "thing.good");
    assert_eq!(found["files"]["tests"][0]["how"], "meaning");
    let results: Vec<String> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {} {}", one["test"], one["key"], one["from"], one["to"]).replace('"', ""))
        .collect();
    assert_eq!(results, ["thing.good a pass fail"]);

    let ran = place.run(&["results", "--test", "thing.better"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let ran = place.run(&["status", "--format", "csv", "--quiet"]);
    assert!(ran.out.contains("✓ pass,T-01"), "nothing was stored: {}", ran.out);
    place.replay();
}
