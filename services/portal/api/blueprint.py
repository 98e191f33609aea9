"""The blueprint that all of portal's API hangs on."""

import flask_smorest

blueprint = flask_smorest.Blueprint("portal", "portal", description="Users, roles, tokens and the audit trail")
