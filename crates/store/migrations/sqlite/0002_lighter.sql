-- No question goes from an input to its observations but replay, which reads all of them in their order.
DROP INDEX observations_input;
