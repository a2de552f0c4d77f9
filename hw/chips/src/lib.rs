//! Register names and addresses of the line chips, from their data sheets.
