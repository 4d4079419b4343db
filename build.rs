//! Compiles the protos in Rust (`protox`), so that a machine needs no `protoc`, and keeps their descriptors for
//! reflection and JSON.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let files = [
        "stipend/v1/quota.proto",
        "stipend/v1/account.proto",
        "stipend/v1/usage.proto",
        "stipend/v1/catalog.proto",
        "stipend/v1/event.proto",
        "stipend/v1/maintenance.proto",
    ];
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("stipend.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_client(true).build_transport(true).compile_fds(descriptors)?;
    Ok(())
}
