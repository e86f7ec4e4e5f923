//! Economics style: reports on markets, whose sums, changes and shares are right.

use crate::world::labels::Labels;
use crate::world::page::Page;
use crate::world::prose::{Share, sum};

/// Goods and services that are not seen.
const SECTORS: &[&str] = &[
    "freight",
    "insurance",
    "electricity",
    "housing",
    "credit",
    "labour",
    "grain",
    "timber",
    "water",
    "repair",
    "teaching",
    "postage",
];

const TITLES: &[&str] = &[
    "[Quarterly report|Market outlook|Monthly bulletin|Briefing] no. {n}: [prices and quantities|supply and demand|output and trade]",
    "[Prices|Demand] [recover|ease|stabilise] in month {m}, [statistics show|bulletin {n}]",
    "Bulletin {n}: what [moved|drove] the market in [spring|summer|autumn|winter]",
];

const RISES: &[&str] = &[
    "[Analysts|Traders] [attribute|ascribe] the rise to [higher wages|a poor harvest|new tariffs|strong demand]. ",
    "Hypothesis: when [supply falls|demand rises] while all else is equal, the price rises. [The figures are consistent with it.|These figures do not contradict it.] ",
];

const FALLS: &[&str] = &[
    "[Analysts|Traders] [attribute|ascribe] the fall to [weak demand|a good harvest|lower tariffs|cheaper transport]. ",
    "Hypothesis: when [supply rises|demand falls] while all else is equal, the price falls. [The figures are consistent with it.|These figures do not contradict it.] ",
];

const CAUSES: &[&str] = &[
    "A model [with|of] [two sectors|rational buyers] [predicts|foretells] such a [shift|move]; [causation remains to be tested|the test needs another quarter]. ",
    "[If|Once] incomes [grow|rise], [households|firms] [save|spend] more, [so|hence] [interest|investment] responds with a [delay|lag]. ",
    "[A comparison of|Data from] {n} towns with and without the [tax|subsidy] [shows|suggests] [an effect|no effect] on [employment|savings]; [chance cannot be excluded|the towns were alike before]. ",
    "[If the tax|Were the toll] [falls on|hits] sellers, buyers [share|bear part of] it; [how much depends on|the theory says by] the slopes of supply and demand. ",
];

const POLICY: &[&str] = &[
    "The central bank left the rate unchanged[; inflation expectations are stable|, as expected]. ",
    "[Exports|Imports] [were flat|recovered slightly], and [unemployment|the deficit] [changed little|stayed low]. ",
    "{p}, [an economist|who leads the council], [warned of|expects] [a slowdown|tighter credit|weaker exports] [next year|by winter]. ",
    "[Savings|Deposits] [exceed|trail] those of year {n}, [according to|says] {p}. ",
    "[A strike|The holiday] in month {m} [delayed|shortened] [deliveries|production][, without lasting effect|]. ",
    "[Mergers|Bankruptcies] were [few|rare] and [new firms|permits] [many|few]. ",
    "[Uncertainty|Liquidity] remains [high|a concern] for [small firms|lenders|exporters]. ",
];

const GOODS: &[&str] = &[
    "[Dealers|Merchants] {at} [report|note] brisk trade in {kinds a} [and {kinds b}|of {stuff a}]. ",
    "{^material b} {kinds b} [sold|moved] better than {material c} ones[, mainly for {purpose b}|]. ",
    "[Stocks of|Orders for] {colour c} {kinds c} [are thin|keep growing]; {p} [buys|imports] from {q}. ",
    "[In the shop window|On the stall] {at}, {the a} is [offered|shown] {rel ab} {the b}[; buyers notice|, at a fixed price]. ",
    "[Repairs|Spare parts] matter: a new {part a} [saves|replaces] a new {kind a}. ",
];

/// Writes one bulletin.
pub(crate) fn write(page: &mut Page) {
    page.numbers = [page.dice.between(2, 400), page.dice.between(1, 12), 0, 0];
    page.one_of(TITLES);
    page.end("\n\n");
    for _ in 0..page.dice.between(3, 5) {
        match page.dice.below(10) {
            0 => goods_sold(page),
            1 | 2 => price_change(page),
            3 => equilibrium(page),
            4 => market_share(page),
            5 => budget(page),
            6 | 7 => explanation(page),
            _ => policy(page),
        }
        page.end("\n\n");
        page.new_people();
    }
}

fn sector(page: &mut Page) -> &'static str {
    page.dice.pick::<&str>(SECTORS)
}

/// Two goods of the scene, with what they sold for.
fn goods_sold(page: &mut Page) {
    page.new_scene(3);
    page.label(Labels::MATH);
    page.one_of(GOODS);
    let [a, b, one, other] = [20, 20, 90, 90].map(|last| page.dice.between(2, last));
    page.numbers = [a, one, b, other];
    page.tell("[Turnover|Revenue]: {n} {kinds a} at {m} crowns, ");
    page.write(format_args!("{a} * {one} = {} crowns; ", a * one));
    page.tell("{k} {kinds b} at {t} crowns, ");
    page.write(format_args!(
        "{b} * {other} = {} crowns; together {} crowns. ",
        b * other,
        sum(&[a * one, b * other])
    ));
}

fn price_change(page: &mut Page) {
    let sector = sector(page);
    let (base, percent) = (page.dice.between(2, 40) * 100, page.dice.between(1, 30));
    let change = base * percent / 100;
    let (word, sign, price, causes) = if page.dice.chance(1, 2) {
        ("rose", '+', base + change, RISES)
    } else {
        ("fell", '-', base - change, FALLS)
    };
    page.label(Labels::MATH);
    page.tell(&format!(
        "[The price index of|Average prices for] {sector} {word} by {percent} per cent from {base} crowns: "
    ));
    page.write(format_args!(
        "{base} * {percent} / 100 = {change} and {base} {sign} {change} = {price}. "
    ));
    if page.dice.chance(1, 2) {
        page.label(Labels::SCIENCE);
        page.one_of(causes);
    }
}

/// Linear demand and supply, and the price at which they meet.
fn equilibrium(page: &mut Page) {
    let sector = sector(page);
    let [down, up] = [0; 2].map(|_| page.dice.between(1, 6));
    let price = page.dice.between(3, 20);
    let start = page.dice.between(0, 30);
    let quantity = start + up * price;
    let demand = quantity + down * price;
    page.label(Labels::MATH | Labels::SCIENCE);
    page.tell(&format!(
        "[Suppose|Let us model] {sector}: at price p, buyers want {demand} - {down}p units and sellers offer {start} + {up}p. [The market clears|Both agree] at price {price}: "
    ));
    page.write(format_args!(
        "{demand} - {down} * {price} = {quantity} and {start} + {up} * {price} = {quantity}. "
    ));
    page.tell("[At a higher price there is a surplus|At a lower price there is a shortage][, as observed|]. ");
}

fn market_share(page: &mut Page) {
    let (share, sector) = (Share::new(&mut page.dice), sector(page));
    page.label(Labels::MATH);
    page.tell(&format!(
        "[The largest firm|{{p}}'s company] sold {} of {} contracts in {sector}, a share of ",
        share.hits, share.group
    ));
    page.write(format_args!("{}. ", share.shown()));
    page.one_of(POLICY);
}

fn budget(page: &mut Page) {
    let parts = [0; 3].map(|_| page.dice.between(2, 90) * 10);
    let [wages, rent, other] = parts;
    let total: i64 = parts.iter().sum();
    let income = total + page.dice.between(-20, 40) * 10;
    page.label(Labels::MATH);
    page.tell("[A typical firm|The household of {p}|The cooperative] spent ");
    page.write(format_args!(
        "{wages} crowns on wages, {rent} on rent and {other} on taxes: {}. ",
        sum(&parts)
    ));
    page.write(format_args!(
        "Income was {income}; the balance is {income} - {total} = {}",
        income - total
    ));
    page.put(match income - total {
        ..0 => ", a deficit. ",
        0 => ", neither deficit nor surplus. ",
        _ => ", a surplus. ",
    });
}

fn explanation(page: &mut Page) {
    page.label(Labels::SCIENCE);
    page.one_of(CAUSES);
    page.one_of(POLICY);
}

fn policy(page: &mut Page) {
    page.several_of(POLICY, 2);
    if page.dice.chance(1, 6) {
        page.new_scene(3);
        page.one_of(GOODS);
    }
}
