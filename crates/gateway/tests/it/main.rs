//! The gateway against real sockets: callers and upstreams that misbehave, byte by byte.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod client;
#[cfg(test)]
mod client_certificates;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod misbehaving;
#[cfg(test)]
mod names;
#[cfg(test)]
mod observe;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod world;
