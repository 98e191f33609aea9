"""What portal refuses."""

from shared.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthorized


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such user.")


class RoleNotFound(NotFound):
    """There is no such role."""

    code = "role_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such role.")


class TokenNotFound(NotFound):
    """There is no such access token of yours."""

    code = "token_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such access token.")


class SessionNotFound(NotFound):
    """There is no such session of yours."""

    code = "session_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such session.")


class UsernameTaken(Invalid):
    """Another user has this username."""

    code = "username_taken"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"There is a user {username} already.",
            fields={"username": ["Another user has this username. Choose a different one."]},
        )


class CodeTaken(Invalid):
    """Another user has this code."""

    code = "code_taken"

    def __init__(self, code: str) -> None:
        super().__init__(
            f"Another user has the code {code}.", fields={"code": ["Another user has this code. Codes are unique."]}
        )


class RoleNameTaken(Invalid):
    """Another role has this name."""

    code = "role_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a role {name} already.", fields={"name": ["Another role has this name."]})


class TokenNameTaken(Conflict):
    """You have a token of this name."""

    code = "token_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"You have an access token {name} already.",
            fields={"name": ["You have a token of this name. Revoke that one first, or choose another name."]},
        )


class AssociateMissing(Invalid):
    """A user of the kind associate is tied to one that there is."""

    code = "associate_missing"

    def __init__(self) -> None:
        words = "Choose the associate whose customers this user may see."
        super().__init__(words, fields={"associate_id": [words]})


class AdministratorIsForEmployees(Invalid):
    """Whoever may do everything is one of our own."""

    code = "administrator_is_for_employees"

    def __init__(self) -> None:
        super().__init__(
            "Only an employee can be administrator.",
            fields={"roles": ["The administrator role is for employees. Take it away, or choose the kind Employee."]},
        )


class RolesAreForEmployees(Invalid):
    """Roles open what staff may see; those of associates open only a part of it, customers and vendors have none."""

    code = "roles_are_for_employees"

    def __init__(self) -> None:
        super().__init__(
            "Only employees and associates can have roles.",
            fields={"roles": ["Roles are for employees and associates. Take them away, or choose another kind."]},
        )


class RoleInUse(Conflict):
    """A role that users have can't be deleted."""

    code = "role_in_use"

    def __init__(self, name: str, users: int) -> None:
        whom = "1 user has" if users == 1 else f"{users:,} users have"
        super().__init__(f"{whom} the role {name}. Give them another role first.", extra={"users": users})


class AdministratorIsFixed(Conflict):
    """The administrator role keeps its name and all permissions, and stays."""

    code = "administrator_is_fixed"

    def __init__(self) -> None:
        super().__init__("The administrator role always has every permission. It can't be changed or deleted.")


class LastAdministrator(Conflict):
    """Somebody must be left who can sign in and manage users."""

    code = "last_administrator"

    def __init__(self) -> None:
        super().__init__(
            "No administrator would be left with a password of their own. Make somebody else administrator first, and "
            "let them sign in and choose their password."
        )


class NotYourself(Conflict):
    """Nobody locks themselves out by accident."""

    code = "not_yourself"

    def __init__(self, what: str = "You can't switch yourself off.") -> None:
        super().__init__(f"{what} Ask another administrator.")


class UserInUse(Conflict):
    """Who has signed in stays, so that it can be told who did what."""

    code = "user_in_use"

    def __init__(self) -> None:
        super().__init__("This user has signed in, so they can't be removed. Switch them off instead.")


class BeyondYourPermissions(Forbidden):
    """Nobody can give, or take over, permissions that they do not have themselves."""

    code = "beyond_your_permissions"

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            "This needs permissions that you do not have yourself: " + ", ".join(missing) + ".",
            extra={"missing": missing},
        )


class PasswordRefused(Invalid):
    """A new password that is too short or too easy to guess; `field` is the input it came from."""

    code = "password_refused"

    def __init__(self, reason: str, field: str = "password") -> None:
        super().__init__(reason, fields={field: [reason]})


class WrongCurrentPassword(Invalid):
    """To change a password one must know the present one."""

    code = "wrong_current_password"

    def __init__(self) -> None:
        words = "This is not your current password."
        super().__init__(words, fields={"current_password": [words]})


class SignInLocked(DomainError):
    """Too many failed tries under this name, from here or from everywhere; `seconds` is how long to wait."""

    status = 429
    code = "sign_in_locked"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"There were too many failed tries. Wait {wait_text(seconds)}, then try again.", extra={"seconds": seconds}
        )
        self.seconds = seconds


class SignInFailed(Unauthorized):
    """The username or the password is wrong; which of them is not told."""

    code = "sign_in_failed"

    def __init__(self, seconds: int = 0) -> None:
        later = f" After so many tries, wait {wait_text(seconds)} before the next." if seconds else ""
        super().__init__(f"The username or the password is not right.{later}", extra={"seconds": seconds})


class TemporaryPasswordExpired(Unauthorized):
    """The temporary password was right, but its day is over."""

    code = "temporary_password_expired"

    def __init__(self) -> None:
        super().__init__("Your temporary password has run out. Ask an administrator for a new one.")


def wait_text(seconds: int) -> str:
    """Return "45 seconds" or "8 minutes" (rounded up)."""
    number, unit = (seconds, "second") if seconds < 90 else (-(-seconds // 60), "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"
