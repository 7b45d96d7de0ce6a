//! The upstream over real connections, and the shipped examples.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod upstream;
