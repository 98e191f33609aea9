"""What files write for the few values of a field, in lower case: {word: value}."""

KINDS = {
    **dict.fromkeys(("employee", "colleague", "staff", "internal", "mitarbeiter", "employé", "empleado"), "employee"),
    **dict.fromkeys(("dealer", "reseller", "distributor", "händler", "revendeur", "distribuidor"), "dealer"),
    **dict.fromkeys(("partner", "agent", "agency", "broker", "partenaire", "socio"), "partner"),
    **dict.fromkeys(("other", "sonstige", "autre", "otro", "altro"), "other"),
}
YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "1", "x", "ja", "oui", "sí", "si", "firm", "company"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "nein", "non", "-", "person"), "no"),
}
ROLES = {
    **dict.fromkeys(("manages", "manager", "account manager", "owner", "betreuer", "key account"), "manages"),
    **dict.fromkeys(("lead_source", "lead source", "leadsource", "source", "lead", "brought in by"), "lead_source"),
    **dict.fromkeys(("sales", "seller", "sales rep", "vertrieb", "ventes", "ventas"), "sales"),
    **dict.fromkeys(("collections", "collection", "dunning", "inkasso", "recouvrement"), "collections"),
    **dict.fromkeys(("service", "support", "kundendienst", "field service"), "service"),
}
ACTIONS = {
    **dict.fromkeys(("add", "associate", "assign", "a", "+", "hinzufügen", "ajouter"), "add"),
    **dict.fromkeys(("replace", "instead", "r", "=", "ersetzen", "remplacer"), "replace"),
    **dict.fromkeys(("remove", "disassociate", "unassign", "delete", "end", "d", "entfernen", "supprimer"), "remove"),
}
