//! Medicine style: case notes with history, findings, doses that are right, and what tests allow to conclude.

use crate::world::labels::Labels;
use crate::world::page::{Page, article_of};

/// A complaint in words, what it makes one suspect, and the test for that.
struct Complaint {
    words: &'static str,
    suspicion: &'static str,
    test: &'static str,
}

const fn complaint(words: &'static str, suspicion: &'static str, test: &'static str) -> Complaint {
    Complaint {
        words,
        suspicion,
        test,
    }
}

#[rustfmt::skip] // one complaint per line
const COMPLAINTS: &[Complaint] = &[
    complaint("a productive cough", "pneumonia", "radiograph"),
    complaint("a sore throat", "streptococcal pharyngitis", "throat swab"),
    complaint("pain on passing water", "cystitis", "culture of the urine"),
    complaint("tightness on exertion", "coronary disease", "exercise test"),
    complaint("persistent tiredness", "anaemia", "blood count"),
    complaint("a swollen calf", "deep vein thrombosis", "compression ultrasound"),
    complaint("dizziness on standing", "postural hypotension", "tilt test"),
    complaint("weight loss and tremor", "hyperthyroidism", "thyroid assay"),
    complaint("pain in the lower right abdomen", "appendicitis", "abdominal ultrasound"),
    complaint("wheezing at night", "asthma", "spirometry"),
    complaint("a stiff neck with headache", "meningitis", "lumbar puncture"),
    complaint("thirst and frequent urination", "diabetes", "fasting glucose"),
];

const HISTORY: &[&str] = &[
    "[No known allergies|Allergic to penicillin]. [Does not smoke|Former smoker]. ",
    "[Onset was gradual|Onset was sudden], {n} days [ago|before admission]; [worse at night|no relation to meals|relieved by rest]. ",
    "[Family history|Past history]: [unremarkable|hypertension|one operation]. [Lives alone|Lives with {q}]. ",
    "{^he p} [denies|reports] [nausea|night sweats|palpitations][ and sleeps poorly|]. ",
    "[Appetite|Mobility] [reduced|unchanged]; [last seen|last vaccinated] {m} months ago[ by {q}|]. ",
    "[Pain|Discomfort] rated {n} of 30, [constant|in waves|on movement only]. ",
    "[Works as a clerk|Retired|Student]; [drinks little alcohol|takes no regular medication]. ",
];

const ACCIDENTS: &[&str] = &[
    "[While working|Yesterday], {at}, {an a} [fell onto|struck] the [left|right] [foot|hand|knee]. {^the a} was {size a} and made of {stuff a}. ",
    "{^he p} [stumbled against|slipped on] {an b} [that stood|left] {rel ba} {the a} {at} and [bruised|twisted] the [ankle|wrist]. ",
    "Cut by the {part c} of {an-kind c}; [wound clean|edges regular], {n} millimetres. ",
    "[A child|The patient] [swallowed|inhaled] a fragment of {an c}; [the fragment was {colour c} and {feel c}|no distress]. ",
];

const PLANS: &[&str] = &[
    "[Review|Follow-up] in {m} days[, earlier if symptoms worsen|]. ",
    "[Advised|Instructed] to [rest|drink enough|return if fever develops]. ",
    "[Discussed with {q}|Referred to the specialist|Letter to the general practitioner]. ",
    "[Physiotherapy|Observation overnight|A change of dressing] [arranged|agreed]. ",
];

/// Writes one case.
pub(crate) fn write(page: &mut Page) {
    let case = page.dice.pick(COMPLAINTS);
    page.numbers = [0; 4].map(|_| page.dice.between(2, 21));
    let (age, weight) = (page.dice.between(18, 90), page.dice.between(45, 110));
    page.tell("[Case|Admission note|Out-patient note] {k}{t}. Patient: {p}, ");
    page.write(format_args!("{age} years, {weight} kg. "));
    page.tell(&format!("[Presents with|Complains of] {}. ", case.words));
    page.end("\n\n");
    history(page);
    if page.dice.chance(1, 2) {
        accident(page);
    }
    examination(page);
    for _ in 0..page.dice.between(0, 1) {
        skin(page);
    }
    assessment(page, case);
    if page.dice.chance(1, 3) {
        dose(page, weight);
    }
    plan(page);
}

fn history(page: &mut Page) {
    page.put("History: ");
    page.several_of(HISTORY, 2);
    page.end("\n\n");
}

fn accident(page: &mut Page) {
    page.put("Injury: ");
    page.one_of(ACCIDENTS);
    page.end("\n\n");
}

/// Signs as measured, and whether they are a fever.
fn examination(page: &mut Page) {
    let (degrees, tenths) = (page.dice.between(36, 39), page.dice.between(0, 9));
    let (pulse, pressure) = (page.dice.between(52, 118), page.dice.between(95, 170));
    page.label(Labels::SCIENCE);
    page.tell("[Examination|Findings|On examination]: temperature ");
    page.write(format_args!(
        "{degrees}.{tenths} degrees, pulse {pulse}, systolic pressure {pressure}. "
    ));
    page.put(if degrees >= 38 {
        "Febrile. "
    } else {
        "Afebrile. "
    });
    page.put(match pulse {
        ..60 => "Bradycardia. ",
        101.. => "Tachycardia. ",
        _ => "Heart rate normal. ",
    });
    page.tell("[Lungs clear.|Abdomen soft.|Reflexes symmetrical.|Heart sounds regular.] ");
    page.end("\n\n");
}

/// What is seen on the skin; its colours are those of bruises and rashes.
fn skin(page: &mut Page) {
    let [colour, state] = *page.dice.pick(&[
        ["purple", "a fresh bruise"],
        ["yellow", "an old bruise"],
        ["red", "an inflamed patch"],
        ["white", "a pale scar"],
        ["brown", "a flat mole"],
        ["pink", "healing tissue"],
    ]);
    page.label(Labels::ATTRIBUTE | Labels::CONCEPT);
    page.tell(&format!(
        "[Skin|Inspection]: {state}, {colour}, {{n}} millimetres across, on the [left|right] [forearm|shoulder|shin|cheek]. "
    ));
    page.end("\n\n");
}

/// The suspicion, its test, and the conclusion.
fn assessment(page: &mut Page, case: &Complaint) {
    let Complaint {
        suspicion, test, ..
    } = case;
    let article = article_of(test);
    page.label(Labels::SCIENCE);
    page.tell(&format!(
        "[Assessment|Impression]: [the history suggests|we suspected] {suspicion}. [To test this|To confirm or exclude it], {article}{test} was [ordered|done]. "
    ));
    let outcome = if page.dice.chance(1, 2) {
        format!(
            "[Result|Outcome]: positive; this [supports|is evidence for] {suspicion}, and treatment was [started|begun]. "
        )
    } else {
        format!(
            "[Result|Outcome]: negative; {suspicion} is [therefore unlikely|thereby made improbable], and [another cause|a different diagnosis] is sought. "
        )
    };
    page.tell(&outcome);
    page.end("\n\n");
}

/// A dose by weight, and how much a course of it needs.
fn dose(page: &mut Page, weight: i64) {
    let [each, times, days] = [12, 4, 10].map(|last| page.dice.between(2, last));
    let drug = *page.dice.pick(&[
        "paracetamol",
        "amoxicillin",
        "ibuprofen",
        "cefalexin",
        "metformin",
    ]);
    let single = each * weight;
    page.label(Labels::MATH | Labels::SCIENCE);
    page.write(format_args!(
        "Medication: {drug} {each} mg per kg of body weight, {each} * {weight} = {single} mg per dose, {times} doses a day for \
         {days} days: {times} * {days} = {} doses, {} mg in the course, as {single} * {} = {}. ",
        times * days,
        single * times * days,
        times * days,
        single * times * days
    ));
    page.end("\n\n");
}

fn plan(page: &mut Page) {
    page.put("Plan: ");
    page.several_of(PLANS, 2);
    page.tell("[Signed|Noted by] {q}.");
    page.end("\n");
}
