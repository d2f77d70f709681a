//! The data map, told by hand: classes, places, results, and what nobody knows.

mod support;

use octro_engine::{AsOf, DataClass, DataMap};
use octro_testkit::ProgramBuilder;
use serde_json::{Value, json};
use support::{Bench, hour, id};

fn program() -> octro_program::Files {
    let attributes = [("data_class", "string", ""), ("account", "string", ""), ("encrypted", "bool", "")];
    let test = |on: &str| {
        format!(
            "rev = 1\nseverity = \"high\"\non = \"{on}\"\npass = \"resource.encrypted\"\nmessage = \"it is clear\"\nmax_age = \"90d\"\n{}",
            ["pass", "fail"].map(|expect| format!(
                "[[examples]]\nname = \"{expect}\"\ngiven = {{ encrypted = {} }}\nexpect = \"{expect}\"\n",
                expect == "pass"
            )).join("") + "[[examples]]\nname = \"unknown\"\ngiven = {}\nexpect = \"unknown\"\n"
        )
    };
    ProgramBuilder::new()
        .file(
            "program.toml",
            "name = \"Of a test\"\n[assets]\ndata = \"Data\"\ndatastore = \"Datastores\"\n[parts]\nall = \"Everything\"\n",
        )
        .kind("bucket", 1, &attributes)
        .of_asset("bucket", "datastore")
        .kind("volume", 1, &attributes)
        .of_asset("volume", "datastore")
        .kind("queue", 1, &attributes)
        .of_asset("queue", "datastore")
        .kind("laptop", 1, &attributes)
        .test("bucket.encrypted", &test("bucket"))
        .test("volume.encrypted", &test("volume"))
        .file("controls/all/C-1.toml", &control(&["datastore"], &["bucket.encrypted"]))
        .file("controls/all/C-2.toml", &control(&["datastore", "data"], &["bucket.encrypted", "volume.encrypted"]))
        .file("controls/all/C-3.toml", &control(&["data", "datastore"], &["bucket.encrypted"]))
        .files()
}

fn control(protects: &[&str], tests: &[&str]) -> String {
    format!(
        "title = \"A control\"\nstatement = \"It is so.\"\nwhy = \"Of a test.\"\nowner = \"team\"\nlayer = \"protect\"\n\
         protects = {protects:?}\ntests = {tests:?}\n"
    )
}

fn thing(kind: &str, key: &str, attributes: Value) -> Value {
    json!({"kind": kind, "key": key, "attributes": attributes})
}

/// One line a row: class, kind, place, how many, and for each question pass/fail/unknown.
fn told(map: &DataMap) -> Vec<String> {
    let class = |class: &DataClass| match class {
        DataClass::Class(class) => class.clone(),
        DataClass::Unclassified => "-".to_owned(),
        DataClass::Unknown => "?".to_owned(),
    };
    map.rows
        .iter()
        .map(|row| {
            let answers = row.answers.iter().map(|counts| {
                counts.map_or("none".to_owned(), |one| format!("{}/{}/{}", one.pass, one.fail, one.unknown))
            });
            let answers = answers.collect::<Vec<_>>().join(" ");
            let complete = if row.complete { "" } else { " incomplete" };
            format!("{} {} {} {}: {answers}{complete}", class(&row.class), row.kind, row.place, row.stores)
        })
        .collect()
}

#[tokio::test]
async fn every_store_is_in_one_row_and_no_question_is_answered_that_was_not_asked() {
    for bench in Bench::all().await {
        bench.install(&program()).await;
        bench.declare("cloud", &["bucket", "volume", "laptop"]).await;
        bench.at(hour(1.0)).await;
        let customer = json!({"data_class": "customer", "account": "one", "encrypted": true});
        let first = [
            thing("bucket", "b1", customer.clone()),
            thing("bucket", "b2", json!({"data_class": "customer", "account": "one", "encrypted": false})),
            thing("bucket", "b3", json!({"data_class": null, "account": "two", "encrypted": true})),
            thing("volume", "v1", json!({"account": "one"})),
            thing("laptop", "l1", customer.clone()),
        ];
        bench.collect("cloud", &first, &[("bucket", true), ("volume", false), ("laptop", true)]).await;
        let before = bench.present().await;
        let expected = [
            "- bucket two 1: 1/0/0 1/0/0",
            "? volume one 1: none 0/0/1 incomplete",
            "customer bucket one 2: 1/1/0 1/1/0",
        ];
        let map = bench.query.data_map(before).await.unwrap();
        assert_eq!(told(&map), expected);
        assert_eq!(map.questions.iter().map(|one| one.control.as_str()).collect::<Vec<_>>(), ["C-1", "C-2"]);
        assert_eq!(map.unseen, [(id("queue"), "Kind queue".to_owned())]);
        assert!(!map.cut);

        // b1 is gone, b2 is encrypted, b3 is classified.
        bench.at(hour(5.0)).await;
        let second = [
            thing("bucket", "b2", customer.clone()),
            thing("bucket", "b3", json!({"data_class": "internal", "account": "two", "encrypted": true})),
        ];
        bench.collect("cloud", &second, &[("bucket", true), ("volume", true), ("laptop", true)]).await;
        let after = bench.present().await;
        let now = bench.query.data_map(after).await.unwrap();
        assert_eq!(told(&now), ["customer bucket one 1: 1/0/0 1/0/0", "internal bucket two 1: 1/0/0 1/0/0"]);
        // What was so then is still told of then.
        let then = AsOf { at: before.at, known_at: after.known_at };
        assert_eq!(told(&bench.query.data_map(then).await.unwrap()), expected);

        // A late word: at hour 3, b2 had belonged to another account. It changes hour 4, and not the present.
        bench.at(hour(6.0)).await;
        let mut late =
            thing("bucket", "b2", json!({"data_class": "customer", "account": "three", "encrypted": true}));
        late["at"] = json!(hour(3.0).to_string());
        bench.collect("cloud", &[late], &[]).await;
        let known_at = bench.present().await.known_at;
        let at = |at: f64| AsOf { at: hour(at), known_at };
        let four = told(&bench.query.data_map(at(4.0)).await.unwrap());
        assert!(four.contains(&"customer bucket three 1: 1/0/0 1/0/0".to_owned()), "{four:?}");
        assert_eq!(told(&bench.query.data_map(at(5.5)).await.unwrap()), told(&now));
        bench.done().await;
    }
}
