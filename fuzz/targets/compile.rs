//! Any text compiles to a plan or to sound errors.
#![no_main]

#[path = "../../compiler/tests/common/mod.rs"]
mod common;
#[path = "../../compiler/tests/mutations/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(what) = properties::compiles(text) {
        panic!("{what}\n{text}");
    }
});
