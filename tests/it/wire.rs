//! What travels: JSON beside gRPC, what a request may hold, streams, health, and a stop that loses nothing.

mod health;
mod json;
mod limits;
mod pipeline;
mod shutdown;
