//! Every statement is one text for both databases: each is prepared on both.

use octro_testkit::TestDb;

use crate::persist::{load, past, write};
use crate::{intake, lease, query, replay};

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let all = [
        load::STATEMENTS,
        past::STATEMENTS,
        write::STATEMENTS,
        intake::STATEMENTS,
        lease::STATEMENTS,
        replay::STATEMENTS,
        crate::journal::statements().as_slice(),
        crate::prove::statements().as_slice(),
        crate::retention::statements().as_slice(),
        query::statements().as_slice(),
    ]
    .concat();
    assert!(all.len() > 60, "{} statements", all.len());
    for of in TestDb::all().await.unwrap() {
        for sql in &all {
            if let Err(error) = of.db().prepare(sql).await {
                panic!("{}: {sql}: {error}", of.name());
            }
        }
        for bulk in write::BULKS.iter().chain(crate::journal::BULKS) {
            if let Err(error) = bulk.prepare(&of.db()).await {
                panic!("{}: {}: {error}", of.name(), bulk.head);
            }
        }
        of.remove().await.unwrap();
    }
}
