#[tokio::test]
async fn plans() {
    let of = octro_testkit::TestDb::sqlite().await.unwrap();
    let all = [crate::persist::load::STATEMENTS, crate::persist::past::STATEMENTS, crate::replay::STATEMENTS, crate::query::statements().as_slice()].concat();
    for sql in all {
        if !sql.starts_with("SELECT") { continue; }
        let text: &'static str = Box::leak(format!("EXPLAIN QUERY PLAN {sql}").into_boxed_str());
        let mut lines = Vec::new();
        for row in of.db().fetch(text, &[]).await.unwrap() { lines.push(row.get::<String>(3).unwrap()); }
        if lines.iter().any(|l| (l.starts_with("SCAN") && !l.contains("SUBQUERY")) || l.contains("AUTOMATIC") || l.contains("TEMP B-TREE")) {
            println!("{}\n      {}", &sql.chars().take(300).collect::<String>(), lines.join("\n      "));
        }
    }
}
