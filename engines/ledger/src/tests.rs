mod memory;
mod merkle_laws;
mod tamper;
mod vectors;
