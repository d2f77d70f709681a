//! Keys in a device: SoftHSM, if it is installed. Its configuration is a variable of the environment, so the test runs
//! itself again with it.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use octro_ledger::{Device, DeviceKeys, Keys as _, Ledger, Settings, verifier_key};
use octro_testkit::TestDb;
use octro_verify::{Note, VerifierKey};
use support::{Bench, START, leaf, settings};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const INNER: &str = "OCTRO_TEST_DEVICE";

fn device(at: &Path) -> Device {
    let pin_file = at.join("pin");
    std::fs::write(&pin_file, "98 76\n").unwrap();
    std::fs::set_permissions(&pin_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    Device { module: MODULE.into(), token: "octro".to_owned(), label: "ledger".to_owned(), pin_file }
}

#[test]
fn a_log_is_signed_by_a_device() {
    if !Path::new(MODULE).exists() || std::env::var_os(INNER).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("softhsm2.conf");
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}/tokens\n", folder.path().display())).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "octro", "--so-pin", "1234", "--pin", "98 76"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let inner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "within_the_device", "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .env(INNER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[inner.stdout, inner.stderr].concat()).into_owned();
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn within_the_device() {
    let Some(at) = std::env::var_os(INNER).map(PathBuf::from) else { return };
    let device = device(&at);
    let keys = Arc::new(DeviceKeys::at(device.clone()));
    let current = keys.current().unwrap();
    assert_eq!(keys.current().unwrap().public(), current.public(), "made once");
    let key = verifier_key("octro/x", current.as_ref()).unwrap();
    assert!(key.signed(b"m", &current.sign(b"m").unwrap()));

    // A log, its rotation, and another start.
    let mut bench = Bench::on(TestDb::sqlite().await.unwrap()).await;
    drop(bench.ledger);
    let of = TestDb::sqlite().await.unwrap();
    let open = async || {
        let mut settings = Settings { keys: Arc::new(DeviceKeys::at(device.clone())), ..settings(&at) };
        settings.folder = Some(at.join("published"));
        Ledger::open(of.db(), Arc::new(bench.clock.clone()), settings).await.unwrap()
    };
    bench.ledger = open().await;
    bench.ledger.append(START, &[leaf(1)]).await.unwrap();
    let new = bench.ledger.rotate().await.unwrap();
    assert_ne!(new.key, current.public());
    bench.ledger.append(START, &[leaf(2)]).await.unwrap();
    let again = open().await;
    again.append(START, &[leaf(3)]).await.unwrap();
    let reader = again.reader().await.unwrap();
    assert_eq!(VerifierKey::parse(&reader.log().signer).unwrap(), new);
    let note = Note::parse(&reader.checkpoint().await.unwrap().note).unwrap();
    assert!(note.signed_by(&new).unwrap());
    assert!(keys.find(&current.public()).unwrap().is_none(), "retired");
    assert!(keys.find(&new.key).unwrap().is_some());

    // What is wrong is said.
    let says = |device: Device| DeviceKeys::at(device).current().err().unwrap().to_string();
    let said = says(Device { token: "other".to_owned(), ..device.clone() });
    assert!(said.contains("has no token `other`; it has octro"), "{said}");
    let said = says(Device { module: at.join("nothing.so"), ..device.clone() });
    assert!(said.contains("no PKCS#11 module"), "{said}");
    std::fs::set_permissions(&device.pin_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(says(device).contains("others may read the PIN"));
    drop(again);
    of.remove().await.unwrap();
    bench.done().await;
}
