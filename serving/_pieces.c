/* Pieces of memory put together by C: what serving/_pieces.pyi says, as serving/plain_pieces.py
 * does it.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

#include <stdint.h>
#include <string.h>

static int
lies_in(const Py_buffer *memory, int64_t place, int64_t size)
{
    return place >= 0 && size >= 0 && size <= memory->len && place <= memory->len - size;
}

static PyObject *
joined(PyObject *self, PyObject *args)
{
    Py_buffer memory, places, sizes;
    if (!PyArg_ParseTuple(args, "y*y*y*", &memory, &places, &sizes))
        return NULL;
    Py_ssize_t count = places.len / sizeof(int64_t), total = 0;
    const int64_t *place = places.buf, *size = sizes.buf;
    int bad = sizes.len != places.len;
    for (Py_ssize_t each = 0; !bad && each < count; each++) {
        bad = !lies_in(&memory, place[each], size[each]);
        total += size[each];
    }
    PyObject *found = NULL;
    if (bad)
        PyErr_SetString(PyExc_ValueError, "not all requests lie within the memory");
    else if ((found = PyBytes_FromStringAndSize(NULL, total)) != NULL) {
        char *to = PyBytes_AS_STRING(found);
        for (Py_ssize_t each = 0; each < count; each++) {
            memcpy(to, (const char *)memory.buf + place[each], size[each]);
            to += size[each];
        }
    }
    PyBuffer_Release(&memory);
    PyBuffer_Release(&places);
    PyBuffer_Release(&sizes);
    return found;
}

static PyObject *
transposed(PyObject *self, PyObject *args)
{
    Py_buffer memory, places, rows;
    Py_ssize_t width, total = 0;
    PyArrayObject *values = NULL, *unknown = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*n", &memory, &places, &rows, &width))
        return NULL;
    Py_ssize_t count = places.len / sizeof(int64_t);
    const int64_t *place = places.buf;
    const int32_t *several = rows.buf;
    int bad = width < 1 || rows.len / (Py_ssize_t)sizeof(int32_t) != count;
    for (Py_ssize_t each = 0; !bad && each < count; each++) {
        int64_t size = several[each] * (int64_t)sizeof(float) * width;
        bad = !lies_in(&memory, place[each], size);
        total += several[each];
    }
    if (bad) {
        PyErr_SetString(PyExc_ValueError, "not all requests lie within the memory");
        goto done;
    }
    npy_intp shape[] = {width, total};
    values = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT32);
    unknown = (PyArrayObject *)PyArray_ZEROS(1, shape, NPY_BOOL, 0);
    if (values == NULL || unknown == NULL)
        goto done;
    float *to = PyArray_DATA(values);
    npy_bool *missing = PyArray_DATA(unknown);
    for (Py_ssize_t each = 0; each < count; each++) {
        const char *from = (const char *)memory.buf + place[each];
        for (Py_ssize_t column = 0; column < width; column++) {
            float *here = to + column * total;
            int found = 0;
            for (int32_t row = 0; row < several[each]; row++) {
                float value; /* which may lie anywhere */
                memcpy(&value, from + (row * width + column) * sizeof value, sizeof value);
                here[row] = value;
                found |= value != value;
            }
            missing[column] |= found;
        }
        to += several[each];
    }
done:
    PyBuffer_Release(&memory);
    PyBuffer_Release(&places);
    PyBuffer_Release(&rows);
    if (values == NULL || unknown == NULL || PyErr_Occurred()) {
        Py_XDECREF(values);
        Py_XDECREF(unknown);
        return NULL;
    }
    return Py_BuildValue("(NN)", values, unknown);
}

static PyMethodDef functions[] = {
    {"joined", joined, METH_VARARGS, NULL},
    {"transposed", transposed, METH_VARARGS, NULL},
    {NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "serving._pieces",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit__pieces(void)
{
    import_array();
    return PyModule_Create(&module);
}
