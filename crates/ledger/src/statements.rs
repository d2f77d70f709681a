//! Every statement is one text for both databases: each is prepared on both.

use octro_testkit::TestDb;

use crate::{append, audit, begin, log, moment, nodes, outbox, outsiders, publish, read, records, sequencer};

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let all = [
        append::STATEMENTS,
        audit::STATEMENTS,
        begin::STATEMENTS,
        log::STATEMENTS,
        moment::STATEMENTS,
        nodes::STATEMENTS,
        outbox::STATEMENTS,
        publish::STATEMENTS,
        read::STATEMENTS,
        records::STATEMENTS,
        sequencer::STATEMENTS,
    ]
    .concat();
    let all = [all, outsiders::statements()].concat();
    let bulks = [append::BULKS, nodes::BULKS, outbox::BULKS, publish::BULKS, read::BULKS];
    for of in TestDb::all().await.unwrap() {
        for sql in &all {
            if let Err(error) = of.db().prepare(sql).await {
                panic!("{}: {sql}: {error}", of.name());
            }
        }
        for bulk in bulks.iter().copied().flatten() {
            if let Err(error) = bulk.prepare(&of.db()).await {
                panic!("{}: {}: {error}", of.name(), bulk.head);
            }
        }
        of.remove().await.unwrap();
    }
}
