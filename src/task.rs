//! What runs beside the answering of calls, under one supervisor. Each task is a file; what it works on is the service's.

pub mod reload;
pub mod supervisor;
