"""What makes two contacts of one account the same one."""


def contact_key(email_key: str | None, name_key: str, phone_key: str | None) -> str:
    """Return the key of a contact within its account: by e-mail if present, else name and phone, else name.

    Takes keys of `shared.keys`. The letter in front keeps the three kinds apart.
    """
    if email_key:
        return f"e:{email_key}"
    if phone_key:
        return f"p:{phone_key}:{name_key}"
    return f"n:{name_key}"
