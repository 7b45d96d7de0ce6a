mod annotation;
mod anomalies;
mod fixture;
mod offering;
mod passing;
mod recognising;
mod refusing;
mod settling;
