//! What there is in the world: kinds, colours, sizes, materials, places and people, the same in every style.

/// A kind of thing and the facts about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
    /// What it is a sort of.
    pub(crate) class: &'static str,
    pub(crate) shape: &'static str,
    pub(crate) part: &'static str,
    /// What people use it for: "for …ing".
    pub(crate) purpose: &'static str,
}

/// A material and what it does in water.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Material {
    pub(crate) name: &'static str,
    pub(crate) adjective: &'static str,
    /// Grams per litre; water has 1000.
    pub(crate) density: i64,
    pub(crate) feel: &'static str,
}

impl Material {
    /// Whether a solid piece of it floats on water.
    pub(crate) fn floats(&self) -> bool {
        self.density < 1000
    }
}

/// A place where scenes are, with the word that leads there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: &'static str,
    pub(crate) name: &'static str,
}

/// A person: a name and its pronouns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) female: bool,
}

const fn kind(
    names: [&'static str; 2],
    class: &'static str,
    shape: &'static str,
    part: &'static str,
    purpose: &'static str,
) -> Kind {
    let [one, many] = names;
    Kind {
        one,
        many,
        class,
        shape,
        part,
        purpose,
    }
}

const fn material(
    name: &'static str,
    adjective: &'static str,
    density: i64,
    feel: &'static str,
) -> Material {
    Material {
        name,
        adjective,
        density,
        feel,
    }
}

const fn place(at: &'static str, name: &'static str) -> Place {
    Place { at, name }
}

const fn she(name: &'static str) -> Person {
    Person { name, female: true }
}

const fn he(name: &'static str) -> Person {
    Person {
        name,
        female: false,
    }
}

/// Kinds of things.
#[rustfmt::skip] // one kind per line
pub(crate) const KINDS: &[Kind] = &[
    kind(["cup", "cups"], "vessel", "round", "handle", "drinking tea"),
    kind(["bowl", "bowls"], "vessel", "round", "rim", "serving soup"),
    kind(["vase", "vases"], "vessel", "tall", "neck", "holding flowers"),
    kind(["jar", "jars"], "vessel", "round", "lid", "keeping jam"),
    kind(["bottle", "bottles"], "vessel", "tall", "cork", "carrying water"),
    kind(["bucket", "buckets"], "vessel", "round", "handle", "carrying sand"),
    kind(["kettle", "kettles"], "vessel", "round", "spout", "boiling water"),
    kind(["plate", "plates"], "vessel", "flat", "rim", "serving bread"),
    kind(["box", "boxes"], "container", "square", "lid", "storing letters"),
    kind(["basket", "baskets"], "container", "round", "handle", "gathering apples"),
    kind(["drawer", "drawers"], "container", "square", "knob", "keeping spoons"),
    kind(["bag", "bags"], "container", "soft", "strap", "carrying books"),
    kind(["chest", "chests"], "container", "square", "lock", "hiding treasure"),
    kind(["ball", "balls"], "toy", "round", "seam", "playing outside"),
    kind(["kite", "kites"], "toy", "pointed", "tail", "catching the wind"),
    kind(["drum", "drums"], "instrument", "round", "skin", "keeping time"),
    kind(["flute", "flutes"], "instrument", "long", "mouthpiece", "playing songs"),
    kind(["violin", "violins"], "instrument", "curved", "bow", "playing music"),
    kind(["bell", "bells"], "instrument", "curved", "clapper", "calling people"),
    kind(["puppet", "puppets"], "toy", "small-limbed", "string", "telling stories"),
    kind(["wagon", "wagons"], "vehicle", "long", "wheel", "pulling stones"),
    kind(["boat", "boats"], "vehicle", "pointed", "sail", "crossing the lake"),
    kind(["bicycle", "bicycles"], "vehicle", "thin", "pedal", "riding to school"),
    kind(["train", "trains"], "vehicle", "long", "engine", "travelling far"),
    kind(["hammer", "hammers"], "tool", "heavy-headed", "head", "driving nails"),
    kind(["ladder", "ladders"], "tool", "tall", "rung", "reaching high shelves"),
    kind(["brush", "brushes"], "tool", "thin", "bristle", "painting walls"),
    kind(["spade", "spades"], "tool", "flat", "blade", "digging holes"),
    kind(["lamp", "lamps"], "furnishing", "tall", "shade", "giving light"),
    kind(["clock", "clocks"], "furnishing", "round", "hand", "telling the time"),
    kind(["mirror", "mirrors"], "furnishing", "flat", "frame", "seeing oneself"),
    kind(["candle", "candles"], "furnishing", "thin", "wick", "giving light"),
    kind(["chair", "chairs"], "furniture", "four-legged", "seat", "sitting"),
    kind(["table", "tables"], "furniture", "flat", "leg", "eating dinner"),
    kind(["bench", "benches"], "furniture", "long", "seat", "resting"),
    kind(["shelf", "shelves"], "furniture", "flat", "board", "keeping books"),
    kind(["stool", "stools"], "furniture", "three-legged", "seat", "sitting"),
    kind(["book", "books"], "object", "square", "page", "reading"),
    kind(["key", "keys"], "object", "thin", "tooth", "opening locks"),
    kind(["coin", "coins"], "object", "round", "edge", "paying"),
    kind(["button", "buttons"], "object", "round", "hole", "closing coats"),
    kind(["ring", "rings"], "object", "round", "stone", "showing a promise"),
    kind(["hat", "hats"], "garment", "round", "brim", "keeping off the sun"),
    kind(["umbrella", "umbrellas"], "object", "curved", "handle", "keeping off rain"),
    kind(["statue", "statues"], "ornament", "tall", "base", "remembering someone"),
    kind(["globe", "globes"], "ornament", "round", "stand", "learning countries"),
];

/// Materials.
pub(crate) const MATERIALS: &[Material] = &[
    material("wood", "wooden", 700, "warm"),
    material("cork", "cork", 240, "light"),
    material("wax", "wax", 930, "smooth"),
    material("bamboo", "bamboo", 400, "light"),
    material("ice", "ice", 917, "cold"),
    material("glass", "glass", 2500, "smooth"),
    material("clay", "clay", 1800, "rough"),
    material("stone", "stone", 2600, "hard"),
    material("iron", "iron", 7870, "cold"),
    material("copper", "copper", 8960, "smooth"),
    material("silver", "silver", 10490, "smooth"),
    material("rubber", "rubber", 1200, "soft"),
];

/// Places.
pub(crate) const PLACES: &[Place] = &[
    place("in", "kitchen"),
    place("in", "garden"),
    place("in", "workshop"),
    place("in", "attic"),
    place("in", "hall"),
    place("in", "library"),
    place("in", "harbour"),
    place("in", "market"),
    place("in", "classroom"),
    place("in", "cellar"),
    place("in", "museum"),
    place("in", "courtyard"),
    place("at", "station"),
    place("on", "balcony"),
    place("on", "beach"),
    place("in", "greenhouse"),
    place("on", "stage"),
    place("in", "bakery"),
    place("on", "roof"),
    place("in", "studio"),
];

/// People.
pub(crate) const PEOPLE: &[Person] = &[
    she("Ada"),
    he("Ben"),
    she("Clara"),
    he("David"),
    she("Elin"),
    he("Felix"),
    she("Greta"),
    he("Hugo"),
    she("Ines"),
    he("Jonas"),
    she("Kira"),
    he("Leo"),
    she("Mara"),
    he("Nils"),
    she("Olga"),
    he("Paul"),
    she("Quinn"),
    he("Rafael"),
    she("Sofia"),
    he("Tom"),
    she("Uma"),
    he("Victor"),
    she("Wanda"),
    he("Yusuf"),
    she("Zoe"),
    he("Amir"),
    she("Bea"),
    he("Carlos"),
    she("Dora"),
    he("Emil"),
];

/// Colours.
pub(crate) const COLOURS: &[&str] = &[
    "red",
    "blue",
    "green",
    "yellow",
    "orange",
    "purple",
    "brown",
    "black",
    "white",
    "grey",
    "pink",
    "turquoise",
];

/// Two paints and the colour that they mix to.
pub(crate) const MIXTURES: &[(&str, &str, &str)] = &[
    ("red", "yellow", "orange"),
    ("blue", "yellow", "green"),
    ("red", "blue", "purple"),
    ("red", "white", "pink"),
    ("black", "white", "grey"),
    ("blue", "green", "turquoise"),
    ("red", "green", "brown"),
];

/// Sizes, from the smallest to the largest.
pub(crate) const SIZES: &[&str] = &["tiny", "small", "middle-sized", "large", "huge"];

/// Whole numbers in words.
pub(crate) const NUMBERS: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];
