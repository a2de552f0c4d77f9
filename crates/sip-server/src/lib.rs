//! The SIP roles that are not calls: registrar and location service.
