//! Disks as machines have them, and what is encrypted on them: file systems and swap areas together.

use super::fixture::{Fixture, Seen, shown};
use super::{filesystem, swap};

const TABLE: &str = "cryptroot: 0 581632 crypt aes-xts-plain64 :64:logon:cryptsetup:e5ec70f2-d0 0 253:2 32768\n\
    decoy: 0 100 crypt aes-xts-plain64 :64:logon:cryptsetup:26bd38d3-d0 0 7:0 32768\n\
    nullc: 0 49152 crypt cipher_null-ecb 0 0 253:3 0\nvg0-root: 0 2000 linear 254:0 2048\n";

/// LVM on LUKS on vda2, a null cipher on vda3, dm-integrity on vda4, a RAID of LUKS and vda5, and a decoy in a file.
fn machine(mounts: &str, swaps: &str) -> Fixture {
    let mut fixture = Fixture::new(&[
        ("/proc/self/mountinfo", mounts),
        ("/proc/swaps", swaps),
        ("/sys/devices/vda/size", "1"),
        ("/sys/devices/zram0/backing_dev", "none\n"),
        ("/sys/devices/loop0/loop/backing_file", "/var/decoy.img\n"),
        ("/sys/devices/md0/md/level", "raid1\n"),
        ("/sys/power/resume", "0:0\n"),
    ]);
    for part in ["vda1", "vda2", "vda3", "vda4", "vda5"] {
        fixture.write(&format!("/sys/devices/vda/{part}/partition"), b"1\n");
    }
    for (name, dm, uuid) in [
        ("dm-0", "cryptroot", "CRYPT-LUKS2-e5ec70f2345a411a92c76e1f35008252-cryptroot"),
        ("dm-1", "vg0-root", "LVM-sB2B"),
        ("dm-2", "vg0-swap", "LVM-sB2C"),
        ("dm-3", "decoy", "CRYPT-LUKS2-26bd38d3-decoy"),
        ("dm-4", "nullc", "CRYPT-PLAIN-nullc"),
        ("dm-5", "integ", "CRYPT-INTEGRITY-integ"),
    ] {
        fixture.write(&format!("/sys/devices/{name}/dm/name"), dm.as_bytes());
        fixture.write(&format!("/sys/devices/{name}/dm/uuid"), uuid.as_bytes());
    }
    for (above, below) in [
        ("dm-0", "vda2"),
        ("dm-1", "dm-0"),
        ("dm-2", "dm-0"),
        ("dm-3", "loop0"),
        ("dm-4", "vda3"),
        ("dm-5", "vda4"),
        ("md0", "dm-0"),
        ("md0", "vda5"),
    ] {
        fixture.write(&format!("/sys/devices/{above}/slaves/{below}"), b"");
    }
    let devices = [
        ("253:0", "vda"),
        ("253:1", "vda/vda1"),
        ("253:2", "vda/vda2"),
        ("253:3", "vda/vda3"),
        ("253:4", "vda/vda4"),
        ("253:5", "vda/vda5"),
        ("254:0", "dm-0"),
        ("254:1", "dm-1"),
        ("254:2", "dm-2"),
        ("254:3", "dm-3"),
        ("254:4", "dm-4"),
        ("254:5", "dm-5"),
        ("9:0", "md0"),
        ("7:0", "loop0"),
        ("252:0", "zram0"),
    ];
    for (number, folder) in devices {
        fixture = fixture.link(&format!("/sys/dev/block/{number}"), &format!("../../devices/{folder}"));
    }
    fixture.tool("dmsetup table", 0, TABLE, "")
}

fn mounted(mounts: &[(&str, &str)]) -> String {
    let line =
        |(number, point): &(&str, &str)| format!("22 1 {number} / {point} rw - ext4 /dev/x{number} rw\n");
    mounts.iter().map(line).collect()
}

fn filesystems(fixture: &Fixture) -> Seen {
    fixture.look("host.filesystem", filesystem::collect)
}

#[test]
fn the_whole_lineage_decides() {
    let mounts = mounted(&[
        ("254:1", "/"),
        ("253:1", "/boot"),
        ("253:3", "/clear"),
        ("254:4", "/null"),
        ("254:5", "/integrity"),
        ("9:0", "/raid"),
        ("254:3", "/decoy"),
        ("8:1", "/gone"),
    ]);
    let seen = filesystems(&machine(&mounts, ""));
    assert!(seen.complete());
    for (point, encrypted, persistent) in [
        ("/", "true", "true"),
        ("/boot", "false", "false"),
        ("/clear", "false", "true"),
        ("/null", "false", "true"),
        ("/integrity", "false", "true"),
        // One leg in the clear is enough to read it.
        ("/raid", "false", "true"),
        ("/decoy", "true", "true"),
        ("/gone", "unknown: unsupported", "true"),
    ] {
        let seen = seen.key(&format!("web1:{point}"));
        assert_eq!(shown(seen, "encrypted"), encrypted, "{point}");
        assert_eq!(shown(seen, "persistent"), persistent, "{point}");
    }
    let root = &seen.key("web1:/").attributes["lineage"];
    assert_eq!(root[0]["name"], "dm-1");
    assert_eq!(root[1]["form"], "CRYPT-LUKS2");
    assert_eq!(root[1]["cipher"], "aes-xts-plain64");
    // Neither keys nor the ids of headers are told.
    let all = format!("{:?}", seen.observations);
    assert!(!all.contains("logon") && !all.contains("e5ec70f2"));
}

#[test]
fn without_the_right_to_ask_the_cipher_is_unknown() {
    let mounts = mounted(&[("254:1", "/"), ("253:3", "/clear")]);
    let denied = machine(&mounts, "").tool(
        "dmsetup table",
        1,
        "",
        "device-mapper: version ioctl failed: Permission denied",
    );
    let seen = filesystems(&denied);
    assert_eq!(shown(seen.key("web1:/"), "encrypted"), "unknown: denied");
    assert_eq!(shown(seen.key("web1:/clear"), "encrypted"), "false");
    let seen = filesystems(&machine(&mounts, "").deny("/sys/devices/dm-0/dm/uuid"));
    assert_eq!(shown(seen.key("web1:/"), "encrypted"), "unknown: denied");
    assert!(!filesystems(&machine("garbage\n", "")).complete());
    assert!(!filesystems(&machine(&mounts, "").deny("/proc/self/mountinfo")).complete());
}

#[test]
fn swap_is_found_where_it_lies() {
    let swaps = "Filename Type Size Used Priority\n/dev/mapper/vg0-swap partition 1024 0 -2\n/dev/vda5 partition 2048 0 -3\n\
        /swap\\040file file 512 0 -4\n/dev/zram0 partition 512 0 100\n";
    let seen = machine(&mounted(&[("254:1", "/")]), swaps).look("host.swap", swap::collect);
    assert!(seen.complete());
    for (path, name, value) in [
        ("/dev/mapper/vg0-swap", "encrypted", "true"),
        ("/dev/mapper/vg0-swap", "size", "1048576"),
        ("/dev/mapper/vg0-swap", "hibernation", "false"),
        ("/dev/vda5", "encrypted", "false"),
        ("/swap file", "encrypted", "true"),
        ("/dev/zram0", "persistent", "false"),
        ("/dev/zram0", "encrypted", "null"),
    ] {
        assert_eq!(shown(seen.key(&format!("web1:{path}")), name), value, "{path} {name}");
    }
    // Hibernation writes to a partition in the clear that is not swapped to now.
    let fixture = machine(&mounted(&[("254:1", "/")]), "Filename\n");
    fixture.write("/sys/power/resume", b"253:5\n");
    let seen = fixture.look("host.swap", swap::collect);
    assert_eq!(shown(seen.one(), "hibernation"), "true");
    assert_eq!(shown(seen.one(), "active"), "false");
    assert_eq!(shown(seen.one(), "encrypted"), "false");
    let none = machine(&mounted(&[("254:1", "/")]), "Filename\n").look("host.swap", swap::collect);
    assert!(none.observations.is_empty() && none.complete());
    assert!(!machine("", "").deny("/proc/swaps").look("host.swap", swap::collect).complete());
}
