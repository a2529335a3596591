//! Rebuilds the crate after a change of the migrations, which `embed_migrations!` reads without Cargo knowing.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
