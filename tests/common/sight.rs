//! A study of a small model that comes to see: seconds to run.

use super::Folder;

/// A model, an encoder of CLIP's family, two stages with pictures, and a benchmark of either kind.
pub(crate) const SIGHT: &str = r"
category web { source: world(web, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: web }
scale tiny { layers: 1, width: 16, heads: 2, context: 160, batch: 4 }
encoder small {
  family:  clip
  layers:  2
  width:   16
  heads:   2
  patch:   16
  image:   48
  weights: initial()
}
encoder masked = small with { family: mae }
dataset captions { source: scenes([caption], seed: 1), items: 40 }
adaptation sight {
  encoder:       small
  projector:     mlp(layers: 2)
  visual_tokens: 9
  layer:         2
  stage align {
    data:  captions
    train: [projector]
    rate:  0.01
    batch: 8
  }
  stage tune {
    data:  captions
    train: [projector, model]
    rate:  0.01
    batch: 8
  }
}
adaptation coarse = sight with { visual_tokens: 4 }
adaptation other = sight with { encoder: masked }
adaptation blind {
  encoder:       small
  projector:     mlp(layers: 2)
  visual_tokens: 9
  stage tune {
    data:   captions
    train:  [model]
    images: false
    rate:   0.01
    batch:  8
  }
}
benchmark colours { data: scenes([colour], seed: 2), items: 10, format: likelihood }
benchmark words   { data: scenes([colour], seed: 2), items: 10, format: short_answer }
suite seeing {
  group scenes { benchmarks: [colours, words] }
}
experiment e {
  vary setup: [sight, coarse, other, blind]
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 20k, seed: 1 }
  adapt vlm { from: base, setup: setup }
}
experiment asked {
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 20k, seed: 1 }
  adapt vlm { from: base, setup: sight }
  eval seen { from: vlm, suite: seeing }
}
";

/// A folder in which that study was run.
pub(crate) fn seeing() -> Folder {
    let folder = Folder::with(&[("s.vp", SIGHT)]);
    folder.vpc("run s.vp").ends(0);
    folder
}
