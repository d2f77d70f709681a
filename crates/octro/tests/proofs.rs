//! Proofs the way a user makes them: Octro runs and stops, a control is proved, an outsider verifies; a restored backup
//! signs nothing until it is told how to go on.

#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected fails")]

mod support;

use support::{Place, Ran, until};

/// A place where one thing was bad and then good.
fn lived() -> Place {
    let place = Place::new();
    place.settings(&source(&place));
    write(&place, false);
    let up = place.up();
    until("the thing is judged", || up.statuses().contains("T-01 fail"));
    write(&place, true);
    until("the change is seen", || up.statuses().contains("T-01 pass"));
    up.stop();
    place
}

fn source(place: &Place) -> String {
    format!(
        "[[source]]\nid = 'left'\ntype = 'file'\nevery = '1d'\nformat = 'observations'\nkinds = ['thing']\npath = '{}'\n",
        place.path().join("things.jsonl").display()
    )
}

fn write(place: &Place, good: bool) {
    let whole = place.path().join("next");
    let text = format!(
        "{{\"kind\":\"thing\",\"key\":\"a\",\"attributes\":{{\"good\":{good},\"kept\":true}}}}\n\
         {{\"scope\":{{\"kind\":\"thing\",\"complete\":true}}}}\n"
    );
    std::fs::write(&whole, text).unwrap();
    std::fs::rename(&whole, place.path().join("things.jsonl")).unwrap();
}

fn key(place: &Place) -> String {
    let status = place.run(&["ledger", "status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    status.get("key").unwrap().as_str().unwrap().to_owned()
}

fn said(ran: &Ran) -> String {
    format!("{:?} {}{}", ran.code, ran.out, ran.err)
}

#[test]
fn a_control_is_proved_and_every_change_of_the_proof_refuted() {
    let place = lived();
    let (file, key) = (place.path().join("proof.json"), key(&place));
    let (file, key) = (file.to_str().unwrap(), key.as_str());
    let made = place.run(&["prove", "control", "T-01", "-o", file]);
    assert_eq!(made.code, Some(0), "{}", said(&made));
    assert!(made.err.contains(key), "the key is told: {}", made.err);
    let proved = place.run(&["verify", file, "--key", key]);
    assert_eq!(proved.code, Some(0), "{}", said(&proved));
    assert!(proved.out.starts_with("✓ PROVED"), "{}", proved.out);
    for part in ["fail from", "pass from", "What is not:", "told the truth"] {
        assert!(proved.out.contains(part), "{part}: {}", proved.out);
    }
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.len() < 20_000, "{} bytes", text.len());
    for (from, to) in [("\"to\":\"pass\"", "\"to\":\"fail\""), ("\"place\":", "\"place\":1")] {
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
        let refuted = place.run(&["verify", file, "--key", key, "--format", "json"]);
        assert_eq!(refuted.code, Some(1), "{}", said(&refuted));
        assert!(refuted.out.contains("\"refuted\""), "{}", refuted.out);
    }
    std::fs::write(file, "no proof").unwrap();
    assert_eq!(place.run(&["verify", file, "--key", key]).code, Some(2));
    assert_eq!(place.run(&["verify", file, "--key", "no key"]).code, Some(2));
    assert_eq!(place.run(&["prove", "control", "T-99"]).code, Some(2));
}

#[test]
fn a_resource_and_an_entry_are_proved_and_the_audit_agrees() {
    let place = lived();
    let (file, key) = (place.path().join("proof.json"), key(&place));
    let (file, key) = (file.to_str().unwrap(), key.as_str());
    for (asked, found) in [
        (vec!["prove", "resource", "thing", "a"], "one of 1"),
        (vec!["prove", "resource", "thing", "b"], "none of 1"),
        (vec!["prove", "entry", "0"], "leaf 0 of the log"),
    ] {
        let mut args = asked.clone();
        args.extend(["-o", file]);
        let made = place.run(&args);
        assert_eq!(made.code, Some(0), "{asked:?} {}", said(&made));
        let proved = place.run(&["verify", file, "--key", key]);
        assert_eq!(proved.code, Some(0), "{asked:?} {}", said(&proved));
        assert!(proved.out.to_lowercase().contains(found), "{found}: {}", proved.out);
    }
    let tlog = place.run(&["prove", "entry", "1", "--tlog"]);
    assert!(tlog.out.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"), "{}", tlog.out);
    let audit = place.run(&["ledger", "audit"]);
    assert_eq!(audit.code, Some(0), "{}", said(&audit));
    assert!(audit.err.contains("all agree"), "{}", audit.err);
    let tail = place.run(&["ledger", "tail", "-n", "500", "--format", "json"]);
    for kind in ["open", "program", "transition", "collection", "population", "seal"] {
        assert!(tail.out.contains(&format!("\"{kind}\"")), "no {kind} in {}", tail.out);
    }
    // Somebody exchanges a published tile: the audit names it, and the tiles can be made anew.
    let tile = find(&place.file().with_file_name("ledger"), "tile").unwrap();
    let mut bytes = std::fs::read(&tile).unwrap();
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    std::fs::write(&tile, bytes).unwrap();
    let audit = place.run(&["ledger", "audit"]);
    assert_eq!(audit.code, Some(1), "{}", said(&audit));
    assert_eq!(place.run(&["ledger", "rebuild"]).code, Some(0));
    let audit = place.run(&["ledger", "audit"]);
    assert_eq!(audit.code, Some(0), "{}", said(&audit));
}

#[test]
fn what_is_exported_stands_in_the_ledger() {
    let place = lived();
    let mut digests = Vec::new();
    for args in [
        ["export", "controls", "--format", "csv"],
        ["export", "results", "--format", "json"],
        ["export", "resources", "--format", "table"],
        ["export", "program", "--format", "json"],
    ] {
        let exported = place.run(&args);
        assert_eq!(exported.code, Some(0), "{}", said(&exported));
        assert!(!exported.out.is_empty());
        digests.push((args[1], octro_verify::hex(&octro_verify::sha256(exported.out.as_bytes()))));
    }
    // The next process that keeps the ledger takes it in.
    let up = place.up();
    until("it is in the log", || {
        place.run(&["ledger", "tail", "-n", "500", "--format", "json"]).out.contains(&digests[3].1)
    });
    up.stop();
    let tail = place.run(&["ledger", "tail", "-n", "500", "--format", "json"]).out;
    for (what, digest) in &digests {
        assert!(tail.contains(digest), "{what}: {digest} in {tail}");
    }
    let audit = place.run(&["ledger", "audit"]);
    assert_eq!(audit.code, Some(0), "{}", said(&audit));
    // Who got them is in it as a commitment only.
    assert!(tail.contains("\\\"by\\\"") && !tail.contains("console user"), "{tail}");
    // Nothing was decided: that is said, and no file is made.
    let none = place.run(&["prove", "decision", "legacy"]);
    assert_eq!(none.code, Some(5), "{}", said(&none));
    assert!(none.err.contains("no decision `legacy`"), "{}", none.err);
}

#[test]
fn absence_is_said_loudly_and_what_cannot_be_proved_has_its_own_code() {
    let place = lived();
    let (file, key) = (place.path().join("proof.json"), key(&place));
    let (file, key) = (file.to_str().unwrap(), key.as_str());
    let absent = place.run(&["prove", "resource", "thing", "A", "-o", file, "--quiet", "--format", "json"]);
    assert_eq!(absent.code, Some(0), "{}", said(&absent));
    assert!(absent.err.contains("ABSENCE") && absent.err.contains("`a`"), "{}", absent.err);
    let told: serde_json::Value = serde_json::from_str(&absent.out).unwrap();
    assert_eq!((&told["proves"], &told["near"]), (&"absence".into(), &serde_json::json!(["a"])), "{told}");
    let there = place.run(&["prove", "resource", "thing", "a", "-o", file, "--format", "json"]);
    assert!(!there.err.contains("ABSENCE") && there.out.contains("\"proves\": null"), "{}", said(&there));
    let never = place.run(&["prove", "control", "T-01", "--from", "2040-01-01T00:00:00Z"]);
    assert_eq!(never.code, Some(5), "{}", said(&never));

    // What cannot be read is unusable, and whoever stops reading changes nothing of what came of it.
    for wrong in ["no-such-file", "."] {
        let unusable = place.run(&["verify", wrong, "--key", key]);
        assert_eq!(unusable.code, Some(2), "{}", said(&unusable));
        assert!(unusable.out.contains("UNUSABLE") && unusable.out.contains(wrong), "{}", unusable.out);
    }
    let unusable = place.run(&["verify", file, "--key", "@no-such-file"]);
    assert_eq!(unusable.code, Some(2), "{}", said(&unusable));
    std::fs::write(file, " ".repeat(5 << 20)).unwrap();
    assert_eq!(place.run(&["verify", file, "--key", key]).code, Some(2));
    place.run(&["prove", "control", "T-01", "-o", file]);
    let text = std::fs::read_to_string(file).unwrap();
    for (text, code) in [(text.replacen("\"place\":", "\"place\":1", 1), 1), (text, 0)] {
        std::fs::write(file, text).unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = place.command(&["verify", file, "--key", key]).stdout(writer).status().unwrap();
        assert_eq!(ended.code(), Some(code));
    }
}

#[test]
fn a_ground_that_looks_like_a_person_is_not_put_into_the_ledger() {
    let place = lived();
    let refused = place.run(&["erase", "thing", "a", "--basis", "request of Ann Smith"]);
    assert_eq!(refused.code, Some(2), "{}", said(&refused));
    assert!(refused.err.contains("Ann Smith") && refused.err.contains("--yes"), "{}", refused.err);
    // There is nothing of such a kind to erase.
    let missing = place.run(&["erase", "thing", "a", "--basis", "request of Ann Smith", "--yes"]);
    assert!(missing.err.contains("personal data"), "{}", said(&missing));
}

/// A file below a folder of this name.
fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.components().any(|part| part.as_os_str() == name) {
                return Some(path);
            }
        }
    }
    None
}

#[test]
fn a_restored_backup_signs_nothing_until_it_is_told_how_to_go_on() {
    let place = lived();
    let data = place.file().parent().unwrap().to_owned();
    let backup = place.path().join("backup.db");
    std::fs::copy(data.join("octro.db"), &backup).unwrap();
    write(&place, false);
    let up = place.up();
    until("the change is seen", || up.statuses().contains("T-01 fail"));
    up.stop();
    for name in ["octro.db-wal", "octro.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    std::fs::copy(&backup, data.join("octro.db")).unwrap();

    let refused = place.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(4), "{}", said(&refused));
    assert!(refused.err.contains("restored backup") && refused.err.contains("--follow"), "{}", refused.err);

    let up = place.up_with(&["--follow"]);
    until("it goes on", || up.statuses().contains("T-01 fail"));
    up.stop();
    let up = place.up();
    until("and on", || up.statuses().contains("T-01 fail"));
    up.stop();
    let tail = place.run(&["ledger", "tail", "-n", "500", "--format", "json"]);
    assert!(tail.out.contains("\\\"after\\\""), "the new log cites the old one: {}", tail.out);
    let audit = place.run(&["ledger", "audit"]);
    assert_eq!(audit.code, Some(0), "{}", said(&audit));
    let (file, key) = (place.path().join("proof.json"), key(&place));
    let made = place.run(&["prove", "control", "T-01", "-o", file.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{}", said(&made));
    let proved = place.run(&["verify", file.to_str().unwrap(), "--key", &key]);
    assert_eq!(proved.code, Some(0), "{}", said(&proved));
    // That somebody answered so is a decision, and proved.
    for (open, text) in [("body", "follows the one that was signed"), ("by", "console user ")] {
        let args = ["prove", "decision", "restore-2", "--open", open, "-o", file.to_str().unwrap()];
        let made = place.run(&args);
        assert_eq!(made.code, Some(0), "{}", said(&made));
        let proved = place.run(&["verify", file.to_str().unwrap(), "--key", &key]);
        assert_eq!(proved.code, Some(0), "{}", said(&proved));
        assert!(
            proved.out.contains("decision `restore.followed`") && proved.out.contains(text),
            "{}",
            proved.out
        );
        let forged = std::fs::read_to_string(&file).unwrap().replace(text, "nobody did anything");
        std::fs::write(&file, forged).unwrap();
        let refuted = place.run(&["verify", file.to_str().unwrap(), "--key", &key]);
        assert_eq!(refuted.code, Some(1), "{}", said(&refuted));
    }
}

#[test]
fn after_a_rotation_the_old_key_proves_nothing_new() {
    let place = lived();
    let old = key(&place);
    let rotated = place.run(&["ledger", "rotate"]);
    assert_eq!(rotated.code, Some(0), "{}", said(&rotated));
    let new = key(&place);
    assert!(rotated.out.trim() == new && new != old, "{} {old}", rotated.out);
    let file = place.path().join("proof.json");
    let file = file.to_str().unwrap();
    assert_eq!(place.run(&["prove", "control", "T-01", "-o", file]).code, Some(0));
    let proved = place.run(&["verify", file, "--key", &new]);
    let refuted = place.run(&["verify", file, "--key", &old]);
    // A resource of a seal from before is proved under the key in force, too.
    let made = place.run(&["prove", "resource", "thing", "a", "-o", file]);
    assert_eq!(made.code, Some(0), "{}", said(&made));
    let resource = place.run(&["verify", file, "--key", &new]);
    assert_eq!(resource.code, Some(0), "{}", said(&resource));
    // The proof is signed by whichever key signed its checkpoint; only one of both can be it.
    assert!(proved.code != refuted.code, "{} {}", said(&proved), said(&refuted));
    let up = place.up();
    until("it goes on", || up.statuses().contains("T-01 pass"));
    up.stop();
    assert_eq!(place.run(&["prove", "control", "T-01", "-o", file]).code, Some(0));
    assert_eq!(place.run(&["verify", file, "--key", &new]).code, Some(0));
    assert_eq!(place.run(&["verify", file, "--key", &old]).code, Some(1));
}
