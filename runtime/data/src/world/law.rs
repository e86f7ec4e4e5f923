//! Law style: numbered rules on who may place what where, with their conditions, fees and references.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::sum;

const TITLES: &[&str] = &[
    "[Ordinance|Act|By-law|Regulation] No. {n} [on|concerning] the [use|order|safety] of [public|common] places",
    "[Statute|Code|Rules] {n} of the [Council|Assembly], [as amended|consolidated version]",
    "[Lease|Contract|Agreement] No. {n} between {p} and {q}",
    "Judgment No. {n}: {p} v. {q}",
];

const SCOPE: &[&str] = &[
    "[These rules apply|This text applies] to [every|any] [owner|tenant|holder of a licence][ and to their agents|]. ",
    "[It enters into force|It takes effect] {m} days after [publication|signature]. ",
    "[Nothing in it|No provision of it] [affects|limits] [rights acquired before|claims under other law]. ",
];

const DEFINITIONS: &[&str] = &[
    "\"{^class a}\" [means|includes] {an-kind a}[ and its {part a}|]; [its use for {purpose a} is presumed|no other object is meant]. ",
    "\"Premises\" [means|denotes] the {place} and [all that belongs to it|its approaches]. ",
    "[For the purposes of this section|In this section], {an-kind b} is {an-class b}. ",
];

const PLACING: &[&str] = &[
    "{^the a} [shall|must] [remain|be kept] {rel ab} {the b}. ",
    "[No person shall|Nobody may] [remove|alter] {the a} {at}[ without the consent of {p}|]. ",
    "[A tenant|The holder] [may|is entitled to] place {an c} {rel cb} {the b}[, where it stands at present|]. ",
];

const DUTIES: &[&str] = &[
    "[The licensee|The tenant|Each party] [shall|must] give notice [in writing|within {n} days]. ",
    "[Consent|A licence] [may be refused|may be withdrawn] only [for cause|on reasonable grounds]. ",
    "[Whoever|A person who] [knowingly|negligently] contravenes [this section|an order of the court] is liable to [damages|a fine]. ",
    "[An appeal|An objection] [lies to|may be lodged with] the [court|tribunal] within {m} days. ",
    "[Liability|The obligation] [ceases|lapses] if [performance is impossible|the creditor is in default]. ",
    "[A contract|A promise] [made under duress|concluded in error] is [void|voidable][ at the option of {p}|]. ",
    "[Costs|Interest] [follow the event|are awarded from the day of the claim][, unless {q} waives them|]. ",
    "[Minors|Persons without capacity] [act|are bound] only through [a guardian|their representative]. ",
    "[The register|The file] [is public|may be inspected] [during office hours|on application]; [copies cost {k} crowns|copies are certified]. ",
    "[Property|Title] passes [upon delivery|when the price is paid], not [before|by mere agreement]. ",
    "[Time|A period] [runs from|begins on] the day of [service|receipt]. ",
    "[The burden of proof|The onus] [lies on|rests with] the [claimant|party that relies on the fact]. ",
];

const FINDINGS: &[&str] = &[
    "[Evidence|An expert] established that a body of {stuff c} {floats c} in water[; the court so finds|]. ",
    "[The court|The tribunal] [tested the claim|held an inspection] [and rejected it|and found it proved] on the [evidence|observations] [before it|made on site]. ",
];

/// Writes one text of law.
pub(crate) fn write(page: &mut Page) {
    roll(page);
    page.one_of(TITLES);
    page.end("\n\n");
    let last = page.dice.between(3, 7);
    for section in 1..=last {
        roll(page);
        page.write(format_args!("Section {section}. "));
        match page.dice.below(30) {
            0..4 => page.one_of(SCOPE),
            4 | 5 => page.one_of(DEFINITIONS),
            6..9 => placing(page),
            9 => finding(page),
            10 => fee(page),
            _ => duties(page, section),
        }
        page.end("\n\n");
    }
}

fn roll(page: &mut Page) {
    page.numbers = [0; 4].map(|_| page.dice.between(2, 90));
    page.new_people();
}

fn placing(page: &mut Page) {
    page.new_scene(3);
    for letter in ["(a) ", "(b) "] {
        page.put(letter);
        page.one_of(PLACING);
    }
}

fn duties(page: &mut Page, section: i64) {
    for letter in ["(1) ", "(2) ", "(3) "]
        .into_iter()
        .take(page.dice.between(1, 3) as usize)
    {
        page.put(letter);
        page.one_of(DUTIES);
    }
    if section > 1 && page.dice.chance(1, 2) {
        let other = page.dice.between(1, section - 1);
        page.tell("[Subject to|Notwithstanding|Without prejudice to] ");
        page.write(format_args!("section {other}, "));
        page.tell("[the same applies to successors in title|a court may extend these periods|the parties may agree otherwise]. ");
    }
}

fn finding(page: &mut Page) {
    page.label(Labels::SCIENCE);
    page.one_of(FINDINGS);
}

/// A fee for each day, and the sum with its surcharge.
fn fee(page: &mut Page) {
    let [rate, days, extra] = [9, 30, 50].map(|last| page.dice.between(2, last));
    page.label(Labels::MATH);
    page.write(format_args!(
        "The fee is {rate} crowns per day: for {days} days {rate} * {days} = {} crowns; with a surcharge of {extra} crowns {}. ",
        rate * days,
        sum(&[rate * days, extra])
    ));
}
