//! Kinds that say what the results are expected to show, and how they are shown.

use super::{Field, Kind, Place, Type};

const OVER: Field = Field::optional(
    "over",
    Type::Experiments,
    "the experiment it stands in",
    "The experiments whose runs are taken together.",
)
.operation();

/// What a comparison may differ in besides.
pub(super) const ACCEPT: Field = Field::optional(
    "accept",
    Type::Traits,
    "none",
    "Differences between the arms, besides what is compared, that are known and meant: no warning.",
)
.operation();

/// What a comparison may not differ in.
pub(super) const CONTROLS: Field = Field::optional(
    "controls",
    Type::Traits,
    "none",
    "What must be the same in all arms: an error where it is not.",
)
.operation();

const MEASURES: Field = Field::required("of", Type::Measures, "The measures.").operation();

pub(super) const HYPOTHESIS: Kind = Kind {
    name: "hypothesis",
    places: &[Place::Experiment],
    doc: "A claim about the results, stated before they are known.",
    fields: &[
        Field::required("measure", Type::Measure, "What the claim is about.").operation(),
        Field::required("along", Type::Axis, "The axis it moves along.").operation(),
        Field::optional(
            "within",
            Type::Axes,
            "none",
            "The claim is judged for each value of these axes.",
        )
        .operation(),
        Field::optional(
            "blocks",
            Type::Axes,
            "none",
            "Axes of replication: runs that share a value are compared with each other.",
        )
        .operation(),
        Field::optional(
            "lines",
            Type::Axis,
            "none; `crosses` needs it",
            "The axis whose two values are the lines that cross.",
        )
        .operation(),
        Field::required(
            "expect",
            Type::Word(&[
                "increasing",
                "decreasing",
                "peaks",
                "saturates",
                "higher",
                "lower",
                "equal",
                "crosses",
            ]),
            "How the measure moves along the axis.",
        )
        .operation(),
        Field::optional(
            "at",
            Type::AxisValue,
            "anywhere",
            "Where on the axis it peaks, saturates or crosses.",
        )
        .operation(),
        Field::optional(
            "between",
            Type::AxisValues,
            "the first and the last value",
            "Two values of the axis: the first one is compared with the second.",
        )
        .operation(),
        Field::optional(
            "effect",
            Type::Number,
            "none",
            "The smallest difference that matters, in units of the measure.",
        )
        .operation(),
        Field::required("test", Type::Test, "The test that decides.").operation(),
        ACCEPT,
        CONTROLS,
    ],
};

pub(super) const REPORT: Kind = Kind {
    name: "report",
    places: &[Place::Experiment, Place::File],
    doc: "Tables, plots and analyses of the results; in column 0, across experiments.",
    fields: &[],
};

pub(super) const TABLE: Kind = Kind {
    name: "table",
    places: &[Place::Report],
    doc: "Measures by axes; axes that are neither rows nor columns are averaged over.",
    fields: &[
        Field::required("cells", Type::Measures, "The measures shown.").operation(),
        Field::required("rows", Type::Axes, "Axes down the side.").operation(),
        Field::optional("columns", Type::Axes, "none", "Axes across the top.").operation(),
        Field::optional(
            "relative_to",
            Type::AxisValue,
            "none",
            "A value of the rows' axis: everything is shown in per cent of it.",
        )
        .operation(),
        OVER,
        ACCEPT,
        CONTROLS,
    ],
};

pub(super) const PLOT: Kind = Kind {
    name: "plot",
    places: &[Place::Report],
    doc: "Measures along an axis.",
    fields: &[
        Field::required("y", Type::Measures, "The measures shown.").operation(),
        Field::required("x", Type::Axis, "The axis along the bottom.").operation(),
        Field::optional("colour", Type::Axis, "none", "One line for each value.").operation(),
        Field::optional("panel", Type::Axis, "none", "One panel for each value.").operation(),
        Field::optional(
            "band",
            Type::Band,
            "none",
            "The uncertainty drawn around each line.",
        )
        .operation(),
        OVER,
        ACCEPT,
        CONTROLS,
    ],
};

pub(super) const TREND: Kind = Kind {
    name: "trend",
    places: &[Place::Report],
    doc: "How measures move along an axis: slope, where they peak, where they saturate.",
    fields: &[
        MEASURES,
        Field::required("along", Type::Axis, "The axis.").operation(),
        Field::optional(
            "within",
            Type::Axes,
            "none",
            "One line for each value of these axes.",
        )
        .operation(),
        OVER,
        ACCEPT,
        CONTROLS,
    ],
};

pub(super) const RANKING: Kind = Kind {
    name: "ranking",
    places: &[Place::Report],
    doc: "The values of an axis in order of merit, by several measures.",
    fields: &[
        MEASURES,
        Field::required("rows", Type::Axis, "The axis whose values are ranked.").operation(),
        Field::optional(
            "weights",
            Type::Numbers,
            "1 each",
            "How much each measure counts.",
        )
        .operation(),
        Field::optional(
            "formula",
            Type::Word(&["rank_sum", "z_sum", "min_max_sum"]),
            "rank_sum",
            "How measures are added up: by rank, in standard deviations, or as shares of the range.",
        )
        .operation(),
        OVER,
        ACCEPT,
        CONTROLS,
    ],
};

pub(super) const CORRELATION: Kind = Kind {
    name: "correlation",
    places: &[Place::Report],
    doc: "Correlations between measures, each run a point.",
    fields: &[
        MEASURES,
        Field::optional(
            "method",
            Type::Word(&["spearman", "pearson", "kendall"]),
            "spearman",
            "The coefficient.",
        )
        .operation(),
        OVER,
    ],
};
