//! `docs/peers.md` says what the code does.

use crate::proto::peers::Offence;

const DOCUMENT: &str = include_str!("../../../../../docs/peers.md");

fn pause(seconds: u64) -> String {
    match seconds {
        0 => "none".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[test]
fn the_table_of_offences_is_the_one_in_the_code() {
    let mut table =
        String::from("| offence | points | connection | least pause |\n| --- | ---: | --- | ---: |\n");
    for offence in Offence::ALL {
        let consequence = offence.consequence();
        let connection = if consequence.disconnects { "closed" } else { "kept" };
        let pause = pause(consequence.pause.as_secs());
        table += &format!("| {offence} | {} | {connection} | {pause} |\n", consequence.points);
    }
    let (_, rest) = DOCUMENT.split_once("<!-- offences -->\n").expect("the table has a start");
    let (documented, _) = rest.split_once("<!-- end of offences -->").expect("the table has an end");
    assert_eq!(documented, table);
}

#[test]
fn no_two_offences_share_a_name_and_each_is_listed_once() {
    let names: std::collections::BTreeSet<_> = Offence::ALL.iter().map(|offence| offence.name()).collect();
    assert_eq!(names.len(), Offence::ALL.len());
    let kinds: std::collections::BTreeSet<_> = Offence::ALL.into_iter().collect();
    assert_eq!(kinds.len(), Offence::ALL.len());
}
