//! Any text as a configuration: a valid one that says what it took, or faults, and never a panic.
#![no_main]

use copydesk::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Config::from_text(text) {
        Ok(config) => {
            assert!(!config.stream.input.is_empty() && config.stream.workers > 0);
            assert!(config.effective().count() > 50);
        }
        Err(faults) => assert!(faults.to_string().contains("  - ")),
    }
});
