mod annotation;
mod fixture;
mod offering;
mod passing;
mod refusing;
mod settling;
