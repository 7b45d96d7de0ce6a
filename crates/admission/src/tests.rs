mod fixture;
mod passing;
mod refusing;
mod settling;
