"""Networks that hold fields: shapes as signed distances."""
