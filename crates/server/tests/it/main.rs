//! The product as its users meet it: the real binary, real listeners, a real browser.

#[cfg(test)]
mod anomalies;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod console;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod faults_load;
#[cfg(test)]
mod hand_over;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod panel;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod site;
#[cfg(test)]
mod trying;
#[cfg(test)]
mod twins;
#[cfg(test)]
mod upstreams;
#[cfg(test)]
mod vetting;
#[cfg(test)]
mod walkthrough;
