"""Networks on rows of numbers: one task for each customer, shop, sensor or school."""
