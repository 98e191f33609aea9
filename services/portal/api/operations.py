"""Operations by API."""

from services.portal.api.blueprint import blueprint
from services.portal.domain.operations import Operations
from services.portal.schemas import OperationsOut
from services.portal.surroundings import operations_now
from shared.web import requires


@blueprint.route("/operations", methods=["GET"])
@requires("operations.view")
@blueprint.response(200, OperationsOut)
def show_operations() -> Operations:
    """Return which services answer, what runs, what waits and why, which workers are up, how far feeds were read.

    Takes about two seconds, as long as workers are listened for. What does not answer is null.
    """
    return operations_now()
