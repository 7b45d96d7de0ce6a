mod annotation;
mod anomalies;
mod fixture;
mod offering;
mod passing;
mod refusing;
mod settling;
