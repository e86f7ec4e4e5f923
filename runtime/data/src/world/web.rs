//! Web style: chatty pages of posts, offers, lists, questions and comments.

use crate::world::labels::Labels;
use crate::world::page::Page;

const TITLES: &[&str] = &[
    "[My|Our] new {colour a} {kind a} [is here|arrived]!!",
    "[Top|Best] {n} {kinds a} for your {place} - [updated|2nd edition|must see]",
    "{p}'s blog: [life|a day|weekend] {at}",
    "[Help|Question]: {kind a} or {kind b}?",
    "For sale: {an a}, [like new|hardly used|as seen]",
    "[Review|First look]: the {material a} {kind a}",
    "[How to|Easy ways to] clean a {material b} {kind b}",
    "Lost and found {at} (read this)",
    "{^kinds a} vs {kinds b} - [the big test|what we think|you decide]",
    "Forum > [home|hobby|help] > {kinds a}",
];

const POSTS: &[&str] = &[
    "Hi [all|everyone|guys], [so|ok so] I [finally|just] got {an a} for the {place} and [I love it|wow|it's so good]. ",
    "[Quick update|Good news]: {the a} now stands {rel ab} {the b}. [Looks great!|What do you think?|Pics soon.] ",
    "[Honestly|To be fair|lol], who puts {an a} {rel ac} {an c}? [Not me.|Well, {p} does.|Me, apparently.] ",
    "[Yesterday|Last week|This morning] {p} and I went to the {place} and saw {n} {kinds b}, [all of them|most of them] {colour b}. ",
    "If you have {an a}, [please|pls] don't put it {rel ab} your {kind b}. [Trust me.|Ask {q}.|It fell.] ",
    "My {kind c} is {size c} and {colour c}, [nothing special|very pretty|a gift from {q}]. ",
    "[Anyone|Does anyone] else [like|collect|paint] {kinds a}? I have {n} now, and the {colour a} one is {side a} of the picture. ",
    "{p} says {material b} {kinds b} are [better|nicer|cheaper] than {material c} ones. [Agree?|No way.|I'm not sure.] ",
    "[Don't forget|Remember]: a {kind a} is for {purpose a}, a {kind b} is for {purpose b}. [Simple!|That's it.] ",
    "[Behind the scenes|In this photo]: {the a} {rel ab} {the b}, {the c} {rel cb} it. [Can you spot it?|Zoom in!] ",
];

const OFFERS: &[&str] = &[
    "*** {^size a} {colour a} {kind a}, only {n} [euros|coins], [free delivery|pick up {at}] *** ",
    "SALE: {colour b} {kinds b} in {stuff b}, {m} left! [Order now|Click here|Call {q}]. ",
    "[New in|Just in]: {an c}. Shape: {shape c}. Material: {stuff c}. Price: {k}. ",
    "Buy {n} {kinds a}, get [one|a {kind b}] free! [Today only.|While they last.|No kidding.] ",
];

const ITEMS: &[&str] = &[
    "{an a} - [great|good|perfect] for {purpose a}",
    "{an b} ({stuff b}, {feel b})",
    "the {kind c} {side c}, next to nothing else",
    "{n} {kinds b}, any colour",
    "{an a} that goes {rel ab} the {kind b}",
    "something {colour c}, maybe a {kind c}",
];

const COMMENTS: &[&str] = &[
    "[love|like|want] the {colour a} {kind a}!!",
    "[no|nope], mine is {colour b} and {size b}",
    "where did you [buy|find] {the c}?",
    "isn't the {kind a} {rel ab} the {kind b}? [confusing|looks odd]",
    "[+1|this|same here]",
    "[thanks|thx] for sharing, {p}",
    "i would put it {rel ba} the {kind a} tbh",
    "my {kind b} broke after {n} days, {stuff b} is [bad|not great]",
    "first!",
    "does it come in {colour c}?",
];

const ANSWERS: &[&str] = &[
    "Q: does {an a} float? A: [depends on the {part a}, but] we tested it: {stuff a} in water {floats a}, so a solid one {floats a}. ",
    "Q: is {stuff a} heavier than water? A: drop a piece of it in a bucket and watch. It {floats a}, so you know. ",
    "Q: {stuff b} or {stuff c}? A: put both in water; {stuff b} {floats b}, {stuff c} {floats c}. [Science!|Try it.] ",
];

const FILLERS: &[&str] = &[
    "[Cookies help us|This site uses cookies]. [Accept|OK|Read more]\n",
    "[Share|Like|Subscribe] [below|here]! Next post: [soon|tomorrow|on Monday].\n",
    "Posted by {p} | {n} views\n",
    "[Home|Start] > [Shop|Blog] > [Contact|About us]\n",
    "[Opening hours|Open]: {n} to {m}. Closed on [Sundays|Mondays].\n",
];

/// Writes one page.
pub(crate) fn write(page: &mut Page) {
    roll(page);
    page.one_of(TITLES);
    page.end("\n\n");
    for _ in 0..page.dice.between(2, 5) {
        roll(page);
        match page.dice.below(12) {
            0..5 => post(page),
            5 | 6 => offers(page),
            7 | 8 => list(page),
            9 => filler(page),
            10 => answer(page),
            _ => comments(page),
        }
        if page.dice.chance(1, 3) {
            page.new_scene(4);
        }
    }
    comments(page);
}

fn roll(page: &mut Page) {
    page.numbers = [0; 4].map(|_| page.dice.between(2, 40));
}

fn post(page: &mut Page) {
    for _ in 0..page.dice.between(1, 4) {
        page.one_of(POSTS);
    }
    page.end("\n\n");
}

fn offers(page: &mut Page) {
    page.one_of(OFFERS);
    if page.dice.chance(1, 2) {
        let (price, off) = (page.dice.between(2, 20) * 10, page.dice.between(1, 9) * 10);
        let now = price * (100 - off) / 100;
        page.label(Labels::MATH);
        page.write(format_args!("Was {price}, minus {off}% = now {now}! "));
    }
    page.end("\n\n");
}

fn list(page: &mut Page) {
    page.tell("[Things|What] [I want|you need|we found] {at}:\n");
    for _ in 0..page.dice.between(2, 5) {
        page.put("* ");
        page.one_of(ITEMS);
        page.put("\n");
        roll(page);
    }
    page.end("\n");
}

fn filler(page: &mut Page) {
    page.one_of(FILLERS);
    page.end("\n");
}

fn answer(page: &mut Page) {
    page.label(Labels::SCIENCE);
    page.one_of(ANSWERS);
    page.end("\n\n");
}

fn comments(page: &mut Page) {
    page.put("Comments:\n");
    for _ in 0..page.dice.between(2, 5) {
        page.new_people();
        let tail = page.dice.between(1, 99);
        page.tell("[{p}|{p}|{p}{q}]");
        page.write(format_args!("{tail}: "));
        page.one_of(COMMENTS);
        page.put("\n");
    }
    page.end("\n");
}
