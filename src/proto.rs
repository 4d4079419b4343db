//! The generated messages and services of `proto/stipend/v1`, and their descriptors for reflection and JSON.

#![allow(clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason, missing_docs, reason = "generated")]

/// The encoded `google.protobuf.FileDescriptorSet`, with the comments: `docs/api.md` is made of them.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stipend.v1.bin"));

pub mod v1 {
    tonic::include_proto!("stipend.v1");
}
