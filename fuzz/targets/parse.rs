//! Any text parses to a tree and sound problems; a valid one reads alike in parts and whole.
#![no_main]

#[path = "../../compiler/tests/common/mod.rs"]
mod common;
#[path = "../../compiler/tests/mutations/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(what) = properties::parses(text) {
        panic!("{what}\n{text}");
    }
});
