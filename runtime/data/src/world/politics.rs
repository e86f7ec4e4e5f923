//! Politics style: minutes of councils, with motions, speeches and votes that add up.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::{list, sum};
use crate::world::words::Person;

const PARTIES: &[&str] = &[
    "Union",
    "Reform",
    "Alliance",
    "Federation",
    "Civic League",
    "Renewal",
];

const TITLES: &[&str] = &[
    "Minutes of the [council|assembly|committee], session {n}, [chaired by {p}|{p} presiding]",
    "[Parliamentary report|Record of debate] {n}: [second reading|urgent question|general debate]",
    "[Election special|Campaign diary], day {n}: {p} against {q}",
];

const MOTIONS: &[&str] = &[
    "Motion {m}, [moved|tabled] by {p}: that the [council|committee] [adopt|amend] the [budget|tax|housing|transport] bill. ",
    "Motion {m}, [moved|tabled] by {p}: that [elections|hearings] be held [every year|in public|before spring]. ",
    "Motion {m}, [moved|tabled] by {p}: that the {colour a} {kind a} {at} [be kept|not be sold]. ",
    "Motion {m}, [moved|tabled] by {p}: that [the minister|the mayor] [report|answer] within {n} days. ",
    "Motion {m}, [moved|tabled] by {p}: that the [treaty|charter] be [ratified|referred to committee]. ",
];

const SPEECHES: &[&str] = &[
    "{p} ({P}): [The honourable member|My opponent] [promised|voted for] [lower taxes|reform] and [delivered|now proposes] neither. ",
    "{p} ({P}): We [owe|promised] the [voters|citizens] [an answer|transparency|a fair share]. [Hear, hear.|Applause.] ",
    "{q} ({Q}): Democracy [lives on|needs] [dissent|compromise|patience]. [I yield the floor.|I commend the bill to the house.] ",
    "{q} ({Q}): On a point of order, the [amendment|quorum] was [never debated|not recorded]. [The speaker so notes.|Overruled.] ",
    "{p} ({P}): [Who pays|Who benefits]? [Not the tenants|Not the farmers|Not the young]. [Order was called.|Interruptions.] ",
    "{q} ({Q}): [A coalition|A majority] is [a promise|no excuse]; [govern|decide] [openly|together] or [resign|step aside]. ",
    "{p} ({P}): The [opposition|government] [confuses|mistakes] [haste for courage|noise for argument]. ",
    "{p} ({P}): [Last year|In the last session] I [asked|waited] {n} days for [a reply|the figures]. [Shame.|The clerk took note.] ",
    "{q} ({Q}): [Corruption|Delay] is [a habit|a choice], and [this house|the ministry] [has made it|cannot unmake it alone]. ",
    "{p} ({P}): [I withdraw|I maintain] the [remark|amendment], [with respect|for the record]; {q} [misquoted|interrupted] me. ",
    "{q} ({Q}): [Federal|Local] [powers|duties] [belong|go] to those who [answer|pay] for them. [Applause.|Noise.] ",
    "{p} ({P}): [The press|My constituency] [reads|hears] [every word|the promises], not [the footnotes|the excuses]. ",
    "{q} ({Q}): [Subsidies|Pensions|Schools] first, [monuments|parades] later. [Laughter.|Applause.] ",
];

const SIGHTS: &[&str] = &[
    "{p} ({P}): [Go|Walk] to the {place}: {the a} still stands {rel ab} {the b}, [as our parents left it|and nobody cares]. ",
    "{q} ({Q}): [They spent it on|You can see] {an c}, {side c} of the [poster|photograph], [and call it progress|and no school]. ",
    "[Outside|In the gallery], supporters [carried|waved] {an a} and {an b}[, both {shape a} enough to be seen from afar|]. ",
];

const EVIDENCE: &[&str] = &[
    "{q} ({Q}): [The pilot project|The trial in two districts] [compared|tested] the [measure|scheme] with [none|the old rule]; the [data|results] [support|do not support] the minister's [claim|hypothesis]. ",
    "[An expert|The statistician] [testified|explained] that turnout [and income vary together|rose after the reform], [which does not prove a cause|and that a comparison group was missing]. ",
];

/// Writes one record.
pub(crate) fn write(page: &mut Page) {
    let mut parties = PARTIES.to_vec();
    page.dice.shuffle(&mut parties);
    parties.truncate(3);
    let seats = [0; 3].map(|_| page.dice.between(3, 40));
    roll(page);
    page.one_of(TITLES);
    page.end("\n\n");
    if page.dice.chance(1, 4) {
        chamber(page, &parties, seats);
    }
    for _ in 0..page.dice.between(1, 3) {
        roll(page);
        page.new_scene(3);
        page.one_of(MOTIONS);
        page.end("\n\n");
        for _ in 0..page.dice.between(2, 5) {
            speech(page, &parties);
        }
        if page.dice.chance(3, 5) {
            vote(page, seats);
        } else {
            page.tell("[The debate was adjourned|The motion was withdrawn|No vote was taken]. ");
            page.end("\n\n");
        }
    }
}

fn roll(page: &mut Page) {
    page.numbers = [0; 4].map(|_| page.dice.between(2, 300));
    page.new_people();
}

fn chamber(page: &mut Page, parties: &[&str], seats: [i64; 3]) {
    page.label(Labels::MATH);
    page.tell("[Seats|The chamber]: ");
    let held: Vec<_> = parties
        .iter()
        .zip(seats)
        .map(|(party, seats)| format!("{party} {seats}"))
        .collect();
    page.write(format_args!("{}; {} members. ", list(&held), sum(&seats)));
    let all: i64 = seats.iter().sum();
    let largest = seats.iter().max().copied().unwrap_or(0);
    page.tell(if 2 * largest > all {
        "One party has a majority of its own. "
    } else {
        "No party has a majority of its own[, so a coalition is needed|]. "
    });
    page.end("\n\n");
}

/// A speech, whose speaker belongs to one of `parties`.
fn speech(page: &mut Page, parties: &[&str]) {
    let templates = match page.dice.below(20) {
        0..3 => SIGHTS,
        3 | 4 => {
            page.label(Labels::SCIENCE);
            EVIDENCE
        }
        _ => SPEECHES,
    };
    let template = *page.dice.pick(templates);
    let [first, second] = page.people.map(|person| party(person, parties));
    page.tell(&template.replace("{P}", first).replace("{Q}", second));
    page.new_people();
    page.end("\n\n");
}

/// A person's party: the same whenever the person speaks.
fn party<'p>(person: &Person, parties: &[&'p str]) -> &'p str {
    let first = person.name.bytes().next().map_or(0, usize::from);
    parties
        .get(first % parties.len().max(1))
        .copied()
        .unwrap_or("")
}

/// A vote of the whole chamber: each seat is for, against, or abstains.
fn vote(page: &mut Page, seats: [i64; 3]) {
    let all: i64 = seats.iter().sum();
    let absent = page.dice.between(0, all / 4);
    let abstain = page.dice.between(0, (all - absent) / 4);
    let cast = all - absent - abstain;
    let ayes = page.dice.between(0, cast);
    let noes = cast - ayes;
    page.label(Labels::MATH);
    page.tell("[Result of the vote|Division|The vote]: ");
    page.write(format_args!(
        "{ayes} in favour, {noes} against, {abstain} abstentions; present {} of {all}. ",
        sum(&[ayes, noes, abstain])
    ));
    page.tell(if ayes > noes {
        "[The motion was carried|Carried]. "
    } else {
        "[The motion was rejected|Rejected]. "
    });
    page.end("\n\n");
}
