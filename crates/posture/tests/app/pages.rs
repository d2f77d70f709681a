//! Every page, with what it has to say.

use crate::lab::Lab;

#[tokio::test]
async fn every_page_answers_and_says_what_it_should() {
    let lab = Lab::new().await;
    let said = [
        ("/", vec!["Endpoints", "Of 1 control, 1 fails.", "Needs a person first", "EP-01", "1 fail"]),
        ("/controls", vec!["EP-01", "Disks are encrypted", "protect"]),
        ("/controls/EP-01", vec!["Every disk is encrypted.", "Encrypt it.", "A.1", "=cmd|'x'!A1", "partial"]),
        ("/tests", vec!["disk.encrypted", "high"]),
        (
            "/tests/disk.encrypted",
            vec!["resource.encrypted", "nobody knows", "cryptsetup reencrypt", "a/sda"],
        ),
        ("/resources", vec!["a/sda", "ann &lt;b&gt;&amp;"]),
        ("/resources?kind=disk", vec!["A disk. Key: its path."]),
        ("/resources/disk/a/sda", vec!["What happened", "Its size.", "bytes", "observation"]),
        ("/resources/disk/c%2F%2F..%2Fd", vec!["denied: needs &lt;root&gt;"]),
        ("/results", vec!["the disk of ann &lt;b&gt;&amp; is clear"]),
        (
            "/why?test=disk.encrypted&kind=disk&key=a/sda",
            vec!["What the test read", "Evidence", "History", "encrypted"],
        ),
        ("/sources", vec!["lab", "every 1 h"]),
        ("/sources/lab", vec!["run as root", "permission denied", "Run now", "completely"]),
        ("/period", vec!["Control", "Until the start of"]),
        (
            "/period?subject=control&id=EP-01&from=2026-03-01",
            vec!["Figures", "Repairs", "a/sda", "Population"],
        ),
        ("/period?subject=test&id=disk.encrypted&from=2026-03-01", vec!["Every stretch"]),
        ("/data", vec!["No datastore is known.", "Sources"]),
        ("/exposure", vec!["No path is known.", "Sources"]),
        ("/coverage", vec!["needs &lt;root&gt;", "denied", "lists are complete"]),
        ("/coverage?why=throttled", vec!["Nothing is missing here."]),
        ("/certificates", vec!["No certificate is known.", "tls"]),
        ("/principles", vec!["Defense in depth", "Devices", "Consistency"]),
        ("/frameworks", vec!["Standard"]),
        ("/frameworks/std", vec!["A.1", "partial", "not answered", "id=\"A.1\""]),
        ("/policies", vec!["Endpoints"]),
        ("/policies/endpoints", vec!["&lt;script&gt;", "id=\"disks\"", "EP-01"]),
        ("/claims", vec!["All of them.", "EP-01"]),
        ("/program", vec!["Lab", "Hash of its files"]),
        ("/search", vec!["Nothing was asked for."]),
        ("/search?q=disk", vec!["EP-01", "disk.encrypted"]),
        ("/search?q=zzz", vec!["Nothing has"]),
    ];
    for (uri, texts) in said {
        let body = lab.page(uri).await;
        for text in texts {
            assert!(body.contains(text), "{uri} does not say {text:?}:\n{body}");
        }
        assert_eq!(body.matches("<h1>").count(), 1, "{uri}");
        for never in ["style=\"", "onclick=", "<script>", "ann <b>"] {
            assert!(!body.contains(never), "{uri} holds {never}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let lab = Lab::new().await;
    for uri in [
        "/controls/none",
        "/tests/none",
        "/resources/disk/none",
        "/resources/none/a",
        "/sources/none",
        "/frameworks/none",
        "/policies/none",
        "/why?test=none&kind=disk&key=a",
        "/period?id=none",
        "/nowhere",
    ] {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status, 404, "{uri}: {}", answer.body);
        assert!(answer.body.contains("<h1>Not Found</h1>"), "{uri}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_400_with_words() {
    let lab = Lab::new().await;
    for (uri, text) in [
        ("/?as_of=soon", "`as_of=soon` is no time; expected a date"),
        ("/?as_of=2027-01-01", "lies in the future"),
        ("/controls?known_at=x", "`known_at=x` is no time"),
        ("/controls?status=green", "`green` is no status; expected one of pass, fail"),
        ("/controls?layer=x", "is no layer"),
        ("/controls?page=0", "count from 1"),
        ("/results?status=fail,green", "is no status"),
        ("/results?test=a%20b", "cannot be a name"),
        ("/results?sort=x", "`sort`"),
        ("/why?test=disk.encrypted", "`kind` is missing"),
        ("/period?subject=x&id=y", "`subject`"),
        ("/period?id=EP-01&from=2026-03-03T09:00:00Z&to=2026-03-03T09:00:00Z", "no length"),
        ("/period?id=EP-01&from=1999-01-01", "too long"),
        ("/controls?format=xml", "`format`"),
        ("/controls?q=%ff", "UTF-8"),
    ] {
        let answer = lab.get(uri).await;
        assert_eq!(answer.status, 400, "{uri}: {}", answer.body);
        assert!(answer.body.contains(text), "{uri}: {}", answer.body);
    }
}

#[tokio::test]
async fn lists_are_narrowed() {
    let lab = Lab::new().await;
    assert!(lab.page("/controls?status=pass").await.contains("Nothing matches."));
    assert!(
        lab.page("/controls?status=fail&part=endpoints&layer=protect&owner=it&q=DISKS")
            .await
            .contains("EP-01")
    );
    assert!(lab.page("/controls?owner=nobody").await.contains("Nothing matches."));
    let failing = lab.page("/results?status=fail").await;
    assert!(failing.contains("=cmd|") && !failing.contains(">a/sda<"));
    let both = lab.page("/results?status=fail,unknown&control=EP-01").await;
    assert!(both.contains("=cmd|") && both.contains("c//../d"));
    assert!(lab.page("/results?q=SDA").await.contains(">a/sda<"));
    assert!(!lab.page("/resources?kind=owner").await.contains(">a/sda<"));
    let first = lab.page("/results?per=1").await;
    assert!(first.contains("1–1 of 3") && first.contains("rel=\"next\""));
    assert!(lab.page("/frameworks/std?coverage=none").await.contains("A.2"));
    assert!(!lab.page("/frameworks/std?coverage=partial").await.contains("Screens"));
}

#[tokio::test]
async fn the_past_is_shown_as_it_was() {
    let lab = Lab::new().await;
    let then = "as_of=2026-03-03T09:30:00Z";
    let body = lab.page(&format!("/why?test=disk.encrypted&kind=disk&key=a/sda&{then}")).await;
    assert!(body.contains("The past: 2026-03-03 09:30 UTC") && body.contains("s-fail"));
    assert!(body.contains(&format!("href=\"/controls?{then}\"")));
    let now = lab.page("/results?status=pass").await;
    let past = lab.page(&format!("/results?status=pass&{then}")).await;
    assert!(now.contains(">a/sda<") && !past.contains(">a/sda<"));
    assert!(!lab.page(&format!("/sources/lab?{then}")).await.contains("Run now"));
}

#[tokio::test]
async fn exports_hold_the_whole_filtered_list() {
    let lab = Lab::new().await;
    let answer = lab.get("/results?format=csv&per=1&status=fail,unknown").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert!(answer.headers["content-disposition"].to_str().unwrap().contains("octro-results.csv"));
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines.len(), 3, "{}", answer.body);
    assert!(lines[0].starts_with("status,test,kind,key,reason"));
    assert!(answer.body.contains(",'=cmd|'x'!A1,"), "{}", answer.body);
    let rows = lab.get("/results?format=json").await.json();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(lab.get("/controls?format=json").await.json()[0]["id"], "EP-01");
    for uri in [
        "/controls",
        "/tests",
        "/tests/disk.encrypted",
        "/resources",
        "/sources",
        "/frameworks",
        "/frameworks/std",
        "/policies",
        "/claims",
        "/search?q=disk",
        "/principles",
        "/period?id=EP-01",
    ] {
        let mark = if uri.contains('?') { '&' } else { '?' };
        let answer = lab.get(&format!("{uri}{mark}format=csv")).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
        assert!(answer.body.lines().count() >= 2, "{uri}: {}", answer.body);
    }
}
