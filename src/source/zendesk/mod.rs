//! Zendesk Support.
mod audit;
#[cfg(test)]
mod fuzz;
mod lenient;
mod people;
mod story;
mod wire;
