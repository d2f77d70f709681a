//! The JSON API: what it answers has the shape that its document says.

use serde_json::Value;

use crate::lab::Lab;

/// Compares a value with a schema of the document; says where they differ.
fn differ(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        return differ(document, document.pointer(pointer).unwrap(), value, at, wrong);
    }
    if let Some(either) = schema["anyOf"].as_array() {
        if !value.is_null() {
            differ(document, &either[0], value, at, wrong);
        }
        return;
    }
    let fits = match schema["type"].as_str() {
        None => true,
        Some("object") => {
            let Some(fields) = value.as_object() else {
                return wrong.push(format!("{at}: no object: {value}"));
            };
            let known = schema["properties"].as_object().unwrap();
            for field in fields.keys().filter(|field| !known.contains_key(*field)) {
                wrong.push(format!("{at}.{field} is not in the document"));
            }
            for field in schema["required"].as_array().unwrap() {
                if !fields.contains_key(field.as_str().unwrap()) {
                    wrong.push(format!("{at}.{field} is missing"));
                }
            }
            for (field, value) in fields {
                if let Some(schema) = known.get(field) {
                    differ(document, schema, value, &format!("{at}.{field}"), wrong);
                }
            }
            true
        }
        Some("array") => {
            let Some(items) = value.as_array() else { return wrong.push(format!("{at}: no list: {value}")) };
            for item in items {
                differ(document, &schema["items"], item, &format!("{at}[]"), wrong);
            }
            true
        }
        Some("string") => {
            value.is_string() && schema["enum"].as_array().is_none_or(|words| words.contains(value))
        }
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("{other}"),
    };
    if !fits {
        wrong.push(format!("{at}: {value} is no {schema}"));
    }
}

#[tokio::test]
async fn answers_have_the_shape_of_the_document() {
    let lab = Lab::new().await;
    lab.seal().await;
    let document = lab.get("/api/v1/openapi.json").await.json();
    assert_eq!(document, octro_posture::openapi());
    let mut wrong = Vec::new();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get") else { continue };
        let id = match path.split('/').nth(3).unwrap() {
            "controls" | "proofs" => "EP-01",
            "tests" => "disk.encrypted",
            "sources" => "lab",
            "frameworks" => "std",
            _ => "endpoints",
        };
        let mut uri = path
            .replace("{id}", id)
            .replace("{kind}", "disk")
            .replace("{key}", "a/sda")
            .replace("{index}", "1");
        for (place, parameter) in operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["in"] == "query" && one["required"] == true)
            .enumerate()
        {
            let value = match parameter["name"].as_str().unwrap() {
                "test" => "disk.encrypted",
                "kind" | "q" => "disk",
                "key" => "a/sda",
                _ => "EP-01",
            };
            uri.push_str(&format!(
                "{}{}={value}",
                if place == 0 { '?' } else { '&' },
                parameter["name"].as_str().unwrap()
            ));
        }
        let answer = lab.get(&uri).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json");
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        differ(&document, schema, &answer.json(), path, &mut wrong);
        operations += 1;
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(operations > 23, "{operations}");
}

#[tokio::test]
async fn failures_are_problems() {
    let lab = Lab::new().await;
    for (uri, status, text) in [
        ("/api/v1/controls/none", 404, "There is no control `none`."),
        ("/api/v1/results?status=green", 400, "`green` is no status"),
        ("/api/v1/overview?as_of=soon", 400, "`as_of=soon` is no time"),
        ("/api/v1/nowhere", 404, "There is no page"),
        ("/api/v1/period", 400, "`id` is missing"),
        ("/api/v1/controls?per=5000", 400, "`per` goes up to 1000"),
        (
            "/api/v1/results?statu=fail",
            400,
            "`statu` is no parameter of this address; expected only test, control, kind, key, status, severity, q, sort, \
             page, per, as_of, known_at",
        ),
        (
            "/api/v1/overview?page=2",
            400,
            "`page` is no parameter of this address; expected only as_of, known_at",
        ),
        ("/api/v1/controls/EP-01?format=csv", 400, "`format` is no parameter"),
    ] {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status.as_u16(), status, "{uri}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{uri}");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().contains(text), "{uri}: {problem}");
    }
}

#[tokio::test]
async fn lists_are_windows() {
    let lab = Lab::new().await;
    let page = lab.get("/api/v1/results?per=2&page=2").await.json();
    assert_eq!((page["total"].as_u64(), page["rows"].as_array().unwrap().len()), (Some(3), 1));
    assert_eq!(page["as_of"]["at"], page["as_of"]["known_at"]);
    let past = lab.get("/api/v1/controls?as_of=2026-03-03T09:30:00Z").await.json();
    assert_eq!(past["rows"][0]["tally"]["fail"], 2);
    let now = lab.get("/api/v1/controls/EP-01").await.json();
    assert_eq!((now["status"].as_str(), now["tally"]["pass"].as_u64()), (Some("fail"), Some(1)));
}
