"""What files write for the few values of a field, in lower case: {word: value}."""

KINDS = {
    **dict.fromkeys(("company", "business", "organisation", "organization", "firm", "b2b", "c"), "company"),
    **dict.fromkeys(("firma", "unternehmen", "entreprise", "société", "empresa", "azienda"), "company"),
    **dict.fromkeys(("person", "individual", "private", "consumer", "b2c", "p"), "person"),
    **dict.fromkeys(("privat", "privatperson", "persona", "personne", "particulier", "particular"), "person"),
}
ROLES = {
    **dict.fromkeys(("customer", "client", "buyer", "debtor", "kunde", "cliente", "c"), "customer"),
    **dict.fromkeys(("vendor", "supplier", "seller", "creditor", "lieferant", "fournisseur", "v"), "vendor"),
    **dict.fromkeys(("both", "beides", "les deux", "ambos"), "customer;vendor"),
    **dict.fromkeys(("customer;vendor", "vendor;customer"), "customer;vendor"),
}
