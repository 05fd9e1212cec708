//! temporary
use std::io::Read;
fn main() {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).unwrap();
    let p = copydesk::pipeline::Pipeline::load(Default::default(), Default::default(), false);
    let (d, f) = p.document(&copydesk::article::Message::local(bytes)).unwrap();
    println!("{}", serde_json::to_string_pretty(&d).unwrap());
    eprintln!("{f:?}");
}
